package repl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/repl"
)

// thePolicy is the one that the history of the shell is redacted by.
func thePolicy() repl.Secrets {
	return repl.Secrets{Name: secret.Name, Header: secret.Request, Value: secret.Value}
}

func TestRedactByThePolicy(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"attached":             {`Call --nosuch -H"authorization: Bearer s3cr3t" name=x`, `Call --nosuch '-Hauthorization: ‹redacted›' name=x`},
		"attached, token":      {`Call -H'authorization: s3cr3t' name=x`, `Call '-Hauthorization: ‹redacted›' name=x`},
		"attached, not secret": {`Call -H'x-tenant: acme' name=x`, `Call -H'x-tenant: acme' name=x`},
		"attached with =":      {`Call -Hx-api-key=s3cr3t name=x`, `Call -Hx-api-key=‹redacted› name=x`},
		"attached, =":          {`Call -H='x-api-key: s3cr3t' name=x`, `Call -H='x-api-key: ‹redacted›' name=x`},
		"attached, not quoted": {`Call -Hauthorization: s3cr3t name=x`, `Call -Hauthorization: ‹redacted› name=x`},
		"attached user":        {`list | curl -utoken:s3cr3t h`, `list | curl -u‹redacted› h`},
		"attached document":    {`Call -d'{"password": "s3cr3t"}' name=x`, `Call '-d{"password": "‹redacted›"}' name=x`},
		"group":                {`Call -vH 'authorization: s3cr3t' name=x`, `Call -vH 'authorization: ‹redacted›' name=x`},
		"group, attached":      {`Call -vH'authorization: s3cr3t' name=x`, `Call '-vHauthorization: ‹redacted›' name=x`},
		"group, =":             {`Call -vH='authorization: s3cr3t' name=x`, `Call -vH='authorization: ‹redacted›' name=x`},
		"group of curl":        {`list | curl -sSu me:s3cr3t h`, `list | curl -sSu ‹redacted› h`},
		"one dash, header":     {`list | x -header='authorization: s3cr3t' y`, `list | x -header='authorization: ‹redacted›' y`},
		"one dash, command":    {`list | x -auth-command s3cr3t y`, `list | x -auth-command ‹redacted› y`},
		"one dash, by name":    {`list | x -api-key s3cr3t y`, `list | x -api-key ‹redacted› y`},
		"one dash, =":          {`list | x -api-key=s3cr3t y`, `list | x -api-key=‹redacted› y`},
		"flag with a colon":    {`Call '--password: s3cr3t' y`, `Call --password:‹redacted› y`},

		"no colon":                {"header x-api-key s3cr3t", "header x-api-key ‹redacted›"},
		"no colon, several":       {"header authorization Bearer s3cr3t==", "header authorization ‹redacted›"},
		"no colon, quoted":        {"header 'x-api-key s3cr3t=='", "header 'x-api-key ‹redacted›'"},
		"no colon, flag":          {"Call -H 'x-api-key s3cr3t' name=x", "Call -H 'x-api-key ‹redacted›' name=x"},
		"no colon, two words":     {"Call -H x-api-key s3cr3t", "Call -H x-api-key ‹redacted›"},
		"no colon, not secret":    {"header x-tenant acme", "header x-tenant acme"},
		"no colon, by its value":  {"header x-plain Bearer s3cr3t", "header x-plain ‹redacted›"},
		"colon of its own":        {"header x-api-key : s3cr3t", "header x-api-key ‹redacted›"},
		"header taken away":       {"header -d x-api-key", "header -d x-api-key"},
		"header and its scheme":   {"Login Authorization: Bearer s3cr3t", "Login Authorization: ‹redacted› ‹redacted›"},
		"scheme behind the colon": {"Login authorization:Bearer s3cr3t", "Login authorization:‹redacted› ‹redacted›"},
		"scheme behind =":         {"Login authorization=Basic s3cr3t", "Login authorization=‹redacted› ‹redacted›"},
		"scheme behind a flag":    {"Login --header=authorization:Bearer s3cr3t", "Login --header=authorization:‹redacted› ‹redacted›"},
		"scheme of a flag":        {"Login --authorization Bearer s3cr3t", "Login --authorization ‹redacted› ‹redacted›"},
		"scheme, not secret":      {"Buy plan=basic name=x", "Buy plan=basic name=x"},
	} {
		t.Run(name, func(t *testing.T) {
			got := repl.Redact(c.text, thePolicy())
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := repl.Redact(got, thePolicy()); again != got {
				t.Errorf("redacted again: %s", again)
			}
		})
	}
}

// A secret in a secret place never stays, however it is quoted and whatever stands around
// it.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "Call id=1 ", `{"a":`, "header x: y\n", "'\"", "=:=", "\\", "list | x ", "# "} {
		for place := range 15 {
			f.Add(s, "s3cr3t", s, uint8(place), uint8(place))
		}
	}
	f.Fuzz(func(t *testing.T, before, value, after string, place, quoting uint8) {
		repl.Redact(before+value+after, thePolicy())
		if len(value) < 4 || strings.ContainsFunc(value, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) ||
			strings.Contains(before+after, value) || strings.Contains("password authorization bearer redacted header basic value token x-api-key", value) {
			t.Skip()
		}
		secret := value + " " + value
		quoted, _ := json.Marshal(secret)
		text := []string{
			"password=" + secret, "auth.password.value=" + secret, "password:=" + string(quoted),
			"-Hauthorization: " + secret, "--header=authorization=" + secret, "--basic=me:" + secret, "--auth-command=" + secret,
			`{"password": ` + string(quoted) + `}`, `{"token": {"value": [` + string(quoted) + `]}}`, `--data={"a": {"password": ` + string(quoted) + `}}`,
			"https://me:" + value + "@host/?token=" + value, "note=Bearer " + secret,
			"-vHauthorization: " + secret, "-Hx-api-key " + secret, "-Hx-api-key: " + secret,
		}[place%15]
		var word string
		switch quoting % 4 {
		case 0:
			word = "'" + text + "'"
		case 1:
			word = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		case 2:
			word = strings.NewReplacer(`\`, `\\`, `"`, `\"`, " ", `\ `, "{", `\{`, "[", `\[`).Replace(text)
		case 3:
			word = text[:1] + "'" + text[1:] + "'"
		}
		line := "Call " + word + " id=1"
		if got := repl.Redact(line, thePolicy()); strings.Contains(got, value) {
			t.Errorf("%q became %q", line, got)
		}
		// The words around it are those of other statements, and are no business of its own.
		whole := before + "\n" + line + "\n" + after
		if s := repl.Lex(whole); len(s) > 0 && len(repl.Lex(before)) < len(s) && !repl.Incomplete(before) {
			if got := repl.Redact(whole, thePolicy()); strings.Contains(got, value) {
				t.Errorf("%q became %q", whole, got)
			}
		}
	})
}

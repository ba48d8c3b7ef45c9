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
	return repl.Secrets{Name: secret.Name, Header: secret.Request, Value: secret.Value, URL: secret.URL}
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
		"scheme of some header":   {"Login -H x-plain:Bearer s3cr3t name=x", "Login -H x-plain:Bearer ‹redacted› name=x"},
		"bytes in a header":       {"Login -H a-bin: s3cr3t name=x", "Login -H a-bin: ‹redacted› name=x"},
		"colon between":           {"Login password : s3cr3t name=x", "Login password : ‹redacted› name=x"},
		"colon behind a flag":     {"Login --api-key: s3cr3t name=x", "Login --api-key: ‹redacted› name=x"},
		"scheme, not secret":      {"Buy plan=basic name=x", "Buy plan=basic name=x"},

		"YAML, line below":      {"Login -d 'user:\n  password:\n    s3cr3t\n  name: x'", "Login -d 'user:\n  password:\n    ‹redacted›\n  name: x'"},
		"YAML, mapping below":   {"Login -d 'user: a\npassword:\n  value: s3cr3t\n\n  more: s3cr3t\nname: x'", "Login -d 'user: a\npassword:\n  ‹redacted›\n\n  ‹redacted›\nname: x'"},
		"YAML, block":           {"Login -d 'user: a\npassword: |\n  s3cr3t\n  s3cr3t: s3cr3t\nname: x'", "Login -d 'user: a\npassword: ‹redacted›\n  ‹redacted›\n  ‹redacted›\nname: x'"},
		"YAML, folded":          {"Login -d 'user: a\npassword: s3cr3t\n  s3cr3t\nname: x'", "Login -d 'user: a\npassword: ‹redacted›\n  ‹redacted›\nname: x'"},
		"YAML, items":           {"Login -d 'user: a\ntokens:\n- s3cr3t\n- s3cr3t\nname: x'", "Login -d 'user: a\ntokens:\n‹redacted›\n‹redacted›\nname: x'"},
		"YAML, in an item":      {"Login -d 'users:\n- password: s3cr3t, s3cr3t\n  name: x'", "Login -d 'users:\n- password: ‹redacted›\n  name: x'"},
		"YAML, first":           {"Login -d 'password: s3cr3t\nname: x'", "Login -d 'password: ‹redacted›\nname: x'"},
		"YAML, quoted":          {`Login -d 'user:` + "\n" + `  "password": "s3cr3t"` + "\n" + `  name: x'`, `Login -d 'user:` + "\n" + `  "password": "‹redacted›"` + "\n" + `  name: x'`},
		"YAML, flow":            {"Login -d 'user: a\nlogin: {password: s3cr3t,\n  name: x}'", "Login -d 'user: a\nlogin: {password: ‹redacted›,\n  name: x}'"},
		"YAML, comment":         {"Login -d 'user: a # password: s3cr3t\nname: x'", "Login -d 'user: a # password: ‹redacted›\nname: x'"},
		"YAML, apostrophe":      {"Login -d \"user: don't\npassword: s3cr3t\nname: x\"", "Login -d 'user: don'\\''t\npassword: ‹redacted›\nname: x'"},
		"YAML, key of its own":  {"Login -d 'user: a\n? password\n: s3cr3t\nname: x'", "Login -d 'user: a\n? password\n: ‹redacted›\nname: x'"},
		"YAML, nothing":         {"Login -d 'user:\n  name:\n    x\n  id: 1'", "Login -d 'user:\n  name:\n    x\n  id: 1'"},
		"YAML in a word":        {"Login note='a:\n  password:\n    s3cr3t'", "Login note='a:\n  password:\n    ‹redacted›'"},
		"a word, several lines": {"Login password='a\ns3cr3t'", "Login password=‹redacted›"},

		"extension":              {`Login -d '[x.y.password]: "s3cr3t" id: 1'`, `Login -d '[x.y.password]: "‹redacted›" id: 1'`},
		"extension, later":       {`Login -d 'id: 1 [x.y.password]: "s3cr3t"'`, `Login -d 'id: 1 [x.y.password]: ‹redacted›'`},
		"extension, block":       {`Login -d '[x.y.password] { value: "s3cr3t" } id: 1'`, `Login -d '[x.y.password] { value: "‹redacted›" } id: 1'`},
		"Any":                    {`Login -d 'any { [example.com/x.Login] { password: "s3cr3t" id: 1 } }'`, `Login -d 'any { [example.com/x.Login] { password: "‹redacted›" id: 1 } }'`},
		"block":                  {`Login -d 'password { value: "s3cr3t" } id: 1'`, `Login -d 'password { value: "‹redacted›" } id: 1'`},
		"block, later":           {`Login -d 'id: 1 password { value: "s3cr3t" }'`, `Login -d 'id: 1 password { value: "‹redacted›" }'`},
		"block, angles":          {`Login -d 'id: 1 password < value: "s3cr3t" > name: "x"'`, `Login -d 'id: 1 password < value: ‹redacted›'`},
		"block, lines":           {"Login -d 'id: 1\npassword {\n  value: \"s3cr3t\"\n}\nname: \"x\"'", "Login -d 'id: 1\npassword {\n  value: \"‹redacted›\"\n}\nname: \"x\"'"},
		"block, brace below":     {"Login -d 'id: 1\npassword: {\n  value: \"s3cr3t\"\n}\nname: \"x\"'", "Login -d 'id: 1\npassword: {\n  value: \"‹redacted›\"\n}\nname: \"x\"'"},
		"block, field in a line": {"Login -d 'user {\n  name: \"x\" password: \"s3cr3t\"\n}'", "Login -d 'user {\n  name: \"x\" password: \"‹redacted›\"\n}'"},
		"list":                   {`Login -d 'id: 1 tokens: ["s3cr3t", "s3cr3t"] name: "x"'`, `Login -d 'id: 1 tokens: ‹redacted›'`},
		"adjacent strings":       {"Login -d 'id: 1\npassword: \"s3cr3t\"\n  \"s3cr3t\"\nname: \"x\"'", "Login -d 'id: 1\npassword: \"‹redacted›\"\n  ‹redacted›\nname: \"x\"'"},
		"value on the next line": {"Login -d 'id: 1\npassword:\n\"s3cr3t\"\nname: \"x\"'", "Login -d 'id: 1\npassword:\n\"‹redacted›\"\nname: \"x\"'"},
		"JSON, several lines":    {"Login -d '{\n  \"password\": \"s3cr3t\",\n  \"name\": \"x\"\n}'", "Login -d '{\n  \"password\": \"‹redacted›\",\n  \"name\": \"x\"\n}'"},
		"several documents":      {"Login -d '{a: 1}\n---\npassword: s3cr3t'", "Login -d '{a: 1}\n---\npassword: ‹redacted›'"},
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

// A secret in a secret place never stays, however it is quoted and whatever is around it.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "Call id=1 ", `{"a":`, "header x: y\n", "'\"", "=:=", "\\", "list | x ", "# "} {
		for place := range 23 {
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
			"-duser:\n  password:\n    " + secret + "\n  id: 1", "-duser: 1\ntokens:\n- " + secret, "-duser: 1\npassword: |\n  a\n  " + secret,
			"-dpassword {\n  value: " + string(quoted) + "\n}", "password=https://me:it@host/" + value, "-duser:1\npassword:https://me:it@host/" + value,
			"-d[a.password]: " + string(quoted), "-did: 1 password { value: " + string(quoted) + " }",
		}[place%23]
		var word string
		if quoting %= 4; quoting == 2 && strings.Contains(text, "\n") { // a backslash hides no line end
			quoting = 0
		}
		switch quoting {
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
		// The words around it belong to other statements, and do not affect it.
		whole := before + "\n" + line + "\n" + after
		if s := repl.Lex(whole); len(s) > 0 && len(repl.Lex(before)) < len(s) && !repl.Incomplete(before) {
			if got := repl.Redact(whole, thePolicy()); strings.Contains(got, value) {
				t.Errorf("%q became %q", whole, got)
			}
		}
	})
}

package repl

import (
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/internal/secret"
)

// theSecrets is a policy for tests.
func theSecrets() Secrets {
	name := func(name string) bool {
		low := strings.ToLower(name)
		return strings.Contains(low, "secret") || strings.Contains(low, "password") || strings.Contains(low, "token") || low == "authorization"
	}
	value := func(v string) bool { return strings.HasPrefix(v, "Bearer ") || strings.HasPrefix(v, "eyJ") }
	return Secrets{Name: name, Header: func(n, v string) bool { return name(n) || value(v) }, Value: value, URL: secret.URL}
}

func TestRedact(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":               {"PlaceOrder id=1 note='a: b'", "PlaceOrder id=1 note='a: b'"},
		"header command":        {"header authorization: Bearer s3cr3t", "header authorization: ‹redacted›"},
		"quoted header":         {"header 'Authorization: Bearer s3cr3t'", "header 'Authorization: ‹redacted›'"},
		"header by its value":   {"header x-plain: Bearer s3cr3t", "header x-plain: ‹redacted›"},
		"header with =":         {"header authorization=s3cr3t", "header authorization=‹redacted›"},
		"header, several":       {"header authorization: 'Basic' s3cr3t s3cr3t", "header authorization: ‹redacted›"},
		"no secret header":      {"header x-tenant: acme", "header x-tenant: acme"},
		"flag":                  {"Call -H 'authorization: Bearer s3cr3t' id=1", "Call -H 'authorization: ‹redacted›' id=1"},
		"flag, with =":          {`Call -H "authorization=Bearer s3cr3t" id=1`, "Call -H authorization=‹redacted› id=1"},
		"flag, attached":        {"Call -H'authorization: s3cr3t' id=1", "Call '-Hauthorization: ‹redacted›' id=1"},
		"flag, not quoted":      {"Call -H authorization: Bearer s3cr3t", "Call -H authorization: ‹redacted› ‹redacted›"},
		"long flag":             {"Call --header='authorization: s3cr3t'", "Call --header='authorization: ‹redacted›'"},
		"rpc-header":            {`Call --rpc-header=authorization:s3cr3t`, "Call --rpc-header=authorization:‹redacted›"},
		"flag of its own":       {"Call --basic me:s3cr3t -v", "Call --basic ‹redacted› -v"},
		"flag with a user":      {"Call --basic me -v", "Call --basic me -v"},
		"flag with its value":   {"Call --basic=me:s3cr3t -v", "Call --basic=‹redacted› -v"},
		"program":               {`Call --auth-command "echo s3cr3t" -v`, "Call --auth-command ‹redacted› -v"},
		"where a secret is":     {"Call --bearer-file token --password-env PASSWORD", "Call --bearer-file token --password-env PASSWORD"},
		"word":                  {"Login password=s3cr3t user=me", "Login password=‹redacted› user=me"},
		"quoted word":           {`Login password="s3 cr3t" user=me`, "Login password=‹redacted› user=me"},
		"a word in quotes":      {"Login 'password=s3cr3t two' user=me", "Login password=‹redacted› user=me"},
		"backslashes":           {`Login pass\word=s3cr3t\ two user=me`, "Login password=‹redacted› user=me"},
		"half in quotes":        {`Login pass"word=s3"cr3t`, "Login password=‹redacted›"},
		"path":                  {"Login auth.client_secret=s3cr3t", "Login auth.client_secret=‹redacted›"},
		"below a secret":        {"Login password.value=s3cr3t tokens[+]=s3cr3t", "Login password.value=‹redacted› tokens[+]=‹redacted›"},
		"a key of a map":        {`Login labels["password"]=s3cr3t`, `Login labels["password"]=‹redacted›`},
		"raw JSON":              {`Login password:="s3cr3t"`, "Login password:=‹redacted›"},
		"document of a path":    {`Login auth={"password":"s3cr3t"}`, `Login auth={"password":"‹redacted›"}`},
		"document":              {`Login {"password": "s3cr3t", "user": "me"}`, `Login {"password": "‹redacted›", "user": "me"}`},
		"document of -d":        {`Login -d "{\"password\":\"s3cr3t\"}"`, `Login -d '{"password":"‹redacted›"}'`},
		"tree":                  {`Login {"tokens":["s3cr3t"],"password":{"value":"s3cr3t"}}`, `Login {"tokens":["‹redacted›"],"password":{"value":"‹redacted›"}}`},
		"number":                {`Login {"password":12345678}`, `Login {"password":‹redacted›}`},
		"escapes":               {`Login {"password": "s3\"cr3t", "a": 1}`, `Login {"password": "‹redacted›", "a": 1}`},
		"escaped key":           {`Login {"pass\u0077ord": "s3cr3t"}`, `Login {"pass\u0077ord": "‹redacted›"}`},
		"loose document":        {`Login {password: s3cr3t, user: 'me'}`, `Login {password: ‹redacted›, user: 'me'}`},
		"half a document":       {`Login {"password": "s3cr3t`, `Login {"password": "‹redacted›`},
		"comment in a document": {`Login {/* password=s3cr3t */ "user": "me"}`, `Login {/*‹redacted›*/ "user": "me"}`},
		"comment":               {"list # password=s3cr3t", "list # password=‹redacted›"},
		"value alone":           {"Login note=eyJzM2NyM3Q", "Login note=‹redacted›"},
		"YAML":                  {"Login --in yaml -d 'password: s3cr3t'", "Login --in yaml -d 'password: ‹redacted›'"},
		"prototext":             {`Login -d 'user: 1 password: "s3cr3t"'`, `Login -d 'user: 1 password: ‹redacted›'`},
		"user in an address":    {"target https://me:s3cr3t@host:443/", "target https://‹redacted›@host:443/"},
		"a URL of a secret":     {"Login password=https://me:it@host/s3cr3t user=me", "Login password=‹redacted› user=me"},
		"in quotes":             {"Login 'l[0].token=amqp://me:it@host/s3cr3t?key=s3cr3t'", "Login 'l[0].token=‹redacted›'"},
		"in a message":          {"Login -d 'user:1\npassword:https://me:it@host/s3cr3t'", "Login -d 'user:1\npassword:‹redacted›'"},
		"a URL of another":      {"Login note=https://me:s3cr3t@host/path", "Login note=https://‹redacted›@host/path"},
		"user, no scheme":       {"target me:s3cr3t@host:443", "target ‹redacted›@host:443"},
		"query":                 {"list --protoset 'https://h/x?token=s3cr3t&v=1'", "list --protoset 'https://h/x?token=‹redacted›&v=1'"},
		"pipe":                  {"list | curl -H 'Authorization: Bearer s3cr3t' -u me:s3cr3t x", "list | curl -H 'Authorization: ‹redacted›' -u ‹redacted› x"},
		"pipe, environment":     {"list | PASSWORD=s3cr3t sh", "list | PASSWORD=‹redacted› sh"},
		"two statements":        {"list\nLogin password=s3cr3t\nlist", "list\nLogin password=‹redacted›\nlist"},
		"assigned":              {"$x = Login password=s3cr3t", "$x = Login password=‹redacted›"},
		"redirected":            {"Login password=s3cr3t > out", "Login password=‹redacted› > out"},
		"not closed":            {`Login password='s3cr3t`, `Login password=‹redacted›`},
		"variable":              {`Login "note=${ENV:X}, Bearer s3cr3t"`, `Login note="${ENV:X}, Bearer ‹redacted›"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := Redact(c.text, theSecrets())
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := Redact(got, theSecrets()); again != got {
				t.Errorf("redacted again: %s", again)
			}
		})
	}
}

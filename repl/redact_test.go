package repl

import (
	"strings"
	"testing"
)

func secretWord(name string) bool {
	return strings.Contains(strings.ToLower(name), "secret") || strings.EqualFold(name, "authorization") || name == "password" || name == "basic"
}

func TestRedact(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":           {"PlaceOrder id=1 note='a: b'", "PlaceOrder id=1 note='a: b'"},
		"header command":    {"header authorization: Bearer s3cr3t", "header authorization: ‹redacted›"},
		"quoted header":     {"header 'Authorization: Bearer s3cr3t'", "header 'Authorization: ‹redacted›"},
		"flag":              {"Call -H 'authorization: Bearer s3cr3t' id=1", "Call -H 'authorization: ‹redacted›' id=1"},
		"long flag":         {"Call --header='authorization: s3cr3t'", "Call --header='authorization: ‹redacted›'"},
		"flag of its own":   {"Call --basic me:s3cr3t -v", "Call --basic ‹redacted› -v"},
		"flag with =":       {"Call --basic=me:s3cr3t -v", "Call --basic=‹redacted› -v"},
		"word":              {"Login password=s3cr3t user=me", "Login password=‹redacted› user=me"},
		"quoted word":       {`Login password="s3 cr3t" user=me`, "Login password=‹redacted› user=me"},
		"path":              {"Login auth.client_secret=s3cr3t", "Login auth.client_secret=‹redacted›"},
		"raw JSON":          {`Login password:="s3cr3t"`, "Login password:=‹redacted›"},
		"document":          {`Login {"password": "s3cr3t", "user": "me"}`, `Login {"password": "‹redacted›", "user": "me"}`},
		"escapes":           {`Login {"password": "s3\"cr3t", "a": 1}`, `Login {"password": "‹redacted›", "a": 1}`},
		"loose document":    {`Login {password: s3cr3t, user: 'me'}`, `Login {password: ‹redacted›, user: 'me'}`},
		"half a document":   {`Login {"password": "s3cr3t`, `Login {"password": "‹redacted›"`},
		"user in an adress": {"target https://me:s3cr3t@host:443/", "target https://‹redacted›@host:443/"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Redact(c.text, secretWord)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := Redact(got, secretWord); strings.Contains(again, "s3cr3t") {
				t.Errorf("redacted again: %s", again)
			}
		})
	}
}

// Whatever stands around them, values of these forms never stay.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "Call id=1 ", "{\"a\":", "header x: y\n", "'\"", "=:=", "\\"} {
		f.Add(s, "s3cr3t", s)
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		if len(value) < 4 || strings.ContainsFunc(value, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) || strings.Contains(before+after, value) || strings.Contains("password redacted", value) {
			t.Skip()
		}
		Redact(before+value+after, secretWord)
		if got := Redact(" password="+value+" ", secretWord); strings.Contains(got, value) {
			t.Errorf("%q", got)
		}
		if got := Redact(`{"password": "`+value+`"} `, secretWord); strings.Contains(got, value) {
			t.Errorf("%q", got)
		}
		if got := Redact("header authorization: Bearer "+value, secretWord); strings.Contains(got, value) {
			t.Errorf("%q", got)
		}
	})
}

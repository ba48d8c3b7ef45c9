package notices_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/internal/notices"
)

// The notices name every module that is linked, in the version that is. After a change of go.mod
// go generate ./internal/notices makes them anew.
func TestNoticesNameWhatIsLinked(t *testing.T) {
	var text strings.Builder
	if err := notices.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	const each = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", each, "github.com/rpcctl/rpcctl").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(strings.ReplaceAll(string(out), " ", "@"))
	if len(linked) < 20 {
		t.Fatalf("%d modules are linked", len(linked))
	}
	for _, m := range linked {
		if m = strings.ReplaceAll(m, "@", " "); !strings.Contains(text.String(), "\n"+m+"\n") {
			t.Errorf("%s is not named: go generate ./internal/notices", m)
		}
	}
	for _, want := range []string{"The Go standard library", "Apache License", "MIT", "Redistribution and use in source and binary forms"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

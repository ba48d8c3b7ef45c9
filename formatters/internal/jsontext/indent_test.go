package jsontext

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestAppendIndented(t *testing.T) {
	for _, compact := range []string{
		`{}`, `[]`, `0`, `"a{\"b[,:\\"`, `{"a":[1,{"b":{}},[]],"c":{"d":"x,y"},"e":null}`,
	} {
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(compact), "", "  "); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendIndented([]byte("> "), []byte(compact))); got != "> "+want.String() {
			t.Errorf("got %s, want %s", got, want.String())
		}
	}
}

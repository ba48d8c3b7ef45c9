//go:build unix

package cmd_test

import (
	"strings"
	"testing"
)

const keyShiftTab = "\x1b[Z"

// The request of Greeter.SayHello has few fields; what is not filled in is not sent.
func TestShellBuildsARequest(t *testing.T) {
	s := openShell(t, sized(80, 50))
	s.send("call -i PlaceOrder\r")
	text := s.waitFor("‹string›")
	for _, row := range []string{
		`PlaceOrder {`, `"id": ‹string›,`, `"kind": ‹KIND_UNSPECIFIED›,`, `"shipTo": ‹Address …›,`, `"items": [‹Item …›],`, `"labels": {‹string key›: ‹string›},`,
		`‹payment: one of card, iban, cash›,`, `"gift": ‹true or false›,`,
	} {
		if !strings.Contains(text, row) {
			t.Errorf("no %s in\n%s", row, text)
		}
	}
	s.send("x1")
	s.waitFor(`"id": "x1",`)
	s.send("\t") // on to kind
	s.send("\t") // its menu
	s.waitFor("KIND_TOY")
	s.send("\t\t\t")
	s.waitFor(`› "KIND_TOY"`)
	s.send("\r")
	s.waitFor(`"kind": "KIND_TOY",`)
	s.send("\tAda")
	s.waitFor(`"customer": "Ada",`)
	s.send("\t\t") // on to the address, and into it
	s.waitFor(`"city": ‹string›`)
	s.send(keyDown + keyDown)
	s.send("\t")
	s.send(keyShiftTab)
	s.wait("the items", func(text string) bool { return strings.Contains(text, `[‹Item …›]`) })
	s.send(ctrl('e') + "\r")
	text = s.waitFor("OK ·")
	for _, part := range []string{`"id": "x1"`, `"customer": "Ada"`, `"kind": "KIND_TOY"`} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
	s.send("$_:request\r")
	s.waitFor("$_:request")
	s.waitPrompt()
	text = s.text()
	if request := text[strings.LastIndex(text, "$_:request"):]; strings.Contains(request, "shipTo") || strings.Contains(request, "items") || strings.Contains(request, "gift") {
		t.Errorf("more was sent than was filled in:\n%s", request)
	}
	s.send(keyUp + keyUp)
	s.wait("the line as typed", func(text string) bool {
		return strings.HasPrefix(unbroken(text), `PlaceOrder { "id": "x1", "kind": "KIND_TOY", "customer": "Ada",`)
	})
}

// A list and a map grow as long as they are filled in, a oneof is chosen, a field can be
// removed, and a wrong value brings all of it back.
func TestShellFillsIn(t *testing.T) {
	s := openShell(t, sized(80, 60))
	s.send("PlaceOrder note=hi" + "\x18b")
	text := s.waitFor(`"labels": {‹string key›: ‹string›},`)
	if !strings.Contains(text, `"note": "hi",`) {
		t.Errorf("what was typed is gone:\n%s", text)
	}
	down := func(n int) { s.send(strings.Repeat(keyDown, n)) }
	down(4) // items
	s.send("\t")
	s.waitFor(`"sku": ‹string›`)
	s.send("bear")
	s.waitFor(`"sku": "bear"`)
	down(4) // its qty, its price, its end, and the labels
	s.send("colour")
	s.waitFor(`"labels": {"colour": ‹string›, ‹string key›: ‹string›},`)
	s.send("\tdeep red")
	s.waitFor(`"labels": {"colour": "deep red", ‹string key›: ‹string›},`)
	down(1)
	s.send(ctrl('d'))
	s.wait("the counters to go", func(text string) bool { return !strings.Contains(text, "counters") })
	s.send("\t")
	s.waitFor(`"iban"`)
	s.send("\t\t\t") // the counters again, card, iban
	s.waitFor(`› "iban"`)
	s.send("\r")
	s.waitFor(`"iban": ‹string›,`)
	s.send("NO1")
	s.waitFor(`"iban": "NO1",`)
	s.send("\tzz") // big
	s.waitFor(`"big": zz,`)
	s.send("\r")
	s.waitFor("int64")
	s.wait("the text to come back", func(text string) bool {
		return strings.Contains(text[strings.LastIndex(text, "PlaceOrder {"):], `"photo": ‹bytes›`)
	})
	s.send("\x7f\x7f12\r")
	s.waitFor("OK ·")
	s.waitPrompt()
	s.send("$_:request | tr -d ' \\n'\r")
	s.wait("the request", func(text string) bool {
		return strings.Contains(strings.ReplaceAll(text, "\n", ""), `{"items":[{"sku":"bear"}],"labels":{"colour":"deepred"},"iban":"NO1","big":"12","note":"hi"}`)
	})
}

// On the command line it is a prompt for one call.
func TestCallInteractively(t *testing.T) {
	_, addr := demoServer(t)
	s := openScreen(t, nil, "rpcctl", "-a", addr, "call", "-i", "-o", "ndjson", "SayHello")
	s.waitFor(`"name": ‹string›`)
	text := s.text()
	if !strings.Contains(text, "call --output=ndjson SayHello {") {
		t.Errorf("the screen is\n%s", text)
	}
	s.send("Ada\r")
	s.waitFor(`{"message":"Hello, Ada!"}`)
	s.ends(0)

	s = openScreen(t, nil, "rpcctl", "-a", addr, "call", "-i", "Fail")
	s.waitFor("> Fail {")
	s.send("\r")
	s.waitFor("FAILED_PRECONDITION")
	s.ends(73)

	s = openScreen(t, nil, "rpcctl", "-a", addr, "call", "-i", "SayHello")
	s.waitFor(`"name": ‹string›`)
	s.send("Ada" + ctrl('c'))
	s.ends(130)
}

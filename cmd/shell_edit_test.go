//go:build unix

package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

const placeOrder = "/rpcctl.demo.v1.Shop/PlaceOrder"

func TestShellCompletesMethods(t *testing.T) {
	s := openShell(t)
	s.send("Pl\t")
	text := s.waitInput("PlaceOrder")
	if !strings.Contains(text, "PlaceOrder(Order)") {
		s.waitFor("PlaceOrder(Order)") // the hint comes with the blank behind the name
	}
	s.send("id=x\r")
	s.waitFor(`"id": "x"`)
}

func TestShellCompletesFields(t *testing.T) {
	s := openShell(t)
	s.send(`PlaceOrder {"ship_to":{"ci` + "\t")
	text := s.waitFor(`{"city":`)
	if hint := lastLine(text); !strings.Contains(hint, "string") {
		t.Errorf("the hint is %q", hint)
	}
	s.send(`"Oslo"}}` + "\r")
	s.waitFor(`"city": "Oslo"`)
}

func TestShellCompletesEnums(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder kind=\t")
	text := s.waitFor("TOY")
	for i, name := range []string{"UNSPECIFIED", "BOOK", "TOY"} {
		if line := lineWith(text, "  "+name); !strings.Contains(line, fmt.Sprint(i)) {
			t.Errorf("no row for %s, %d:\n%s", name, i, text)
		}
	}
	s.send("\t\t")
	s.waitFor("› BOOK")
	s.send("\r")
	s.wait("the choice without the menu", func(text string) bool {
		return input(text) == "PlaceOrder kind=BOOK" && !strings.Contains(text, "TOY")
	})
	if n := s.server.Stats().Calls[placeOrder].Started; n != 0 {
		t.Errorf("%d calls before the second Enter", n)
	}
	s.send("\r")
	s.waitFor("KIND_BOOK")
}

// Completion goes on wherever a message is half-typed.
func TestShellCompletesInsideMessages(t *testing.T) {
	s := openShell(t)
	for _, c := range []struct{ typed, want string }{
		{`UpdateOrder update_mask=cust`, `UpdateOrder update_mask=customer`},
		{`UpdateOrder update_mask=kind,ship_to.ci`, `UpdateOrder update_mask=kind,ship_to.city`},
		{`UpdateOrder {"updateMask": "kind,shipTo.ci`, `UpdateOrder {"updateMask": "kind,shipTo.city`},
		{`UpdateOrder order.ship_to.ci`, `UpdateOrder order.ship_to.city=`},
		{`UpdateOrder order.kind=T`, `UpdateOrder order.kind=TOY`},
		{`PlaceOrder {"items": [{"sku": "a"}, {"q`, `PlaceOrder {"items": [{"sku": "a"}, {"qty":`},
		{`PlaceOrder {kind: T`, `PlaceOrder {kind: "KIND_TOY"`},
		{`PlaceOrder items[+].sku=a items[-1].q`, `PlaceOrder items[+].sku=a items[-1].qty=`},
		{`call -i Pla`, `call -i PlaceOrder`},
		{`call -o yaml --timeout=5s PlaceOrder kind=T`, `call -o yaml --timeout=5s PlaceOrder kind=TOY`},
		{`PlaceOrder -o yaml kind=T`, `PlaceOrder -o yaml kind=TOY`},
		{`Lab.Echo any.@t`, `Lab.Echo any.@type=`},
		{`Lab.Echo any.@type=GetOrderReq`, `Lab.Echo any.@type=rpcctl.demo.v1.GetOrderRequest`},
		{`Lab.Echo any.@type=rpcctl.demo.v1.Address any.ci`, `Lab.Echo any.@type=rpcctl.demo.v1.Address any.city=`},
		{`Lab.Echo {any: {"@type": "type.googleapis.com/rpcctl.demo.v1.Order", "shipTo": {"ci`, `Lab.Echo {any: {"@type": "type.googleapis.com/rpcctl.demo.v1.Order", "shipTo": {"city":`},
		{`Lab.Echo {any: {"@type": "GetOrderReq`, `Lab.Echo {any: {"@type": "type.googleapis.com/rpcctl.demo.v1.GetOrderRequest"`},
		{`Lab.Echo {any: {"@type": "google.protobuf.Duration", v`, `Lab.Echo {any: {"@type": "google.protobuf.Duration", "value":`},
		{`Lab.Echo repeated_any[+].@type=rpcctl.demo.v1.Address repeated_any[-1].ci`, `Lab.Echo repeated_any[+].@type=rpcctl.demo.v1.Address repeated_any[-1].city=`},
	} {
		s.send(c.typed + "\t")
		s.wait(c.want, func(text string) bool { return strings.HasPrefix(unbroken(text), c.want) })
		s.send(ctrl('u'))
		s.waitPrompt()
	}
}

// unbroken is the text behind the last prompt, with the rows of the window put together.
func unbroken(text string) string {
	at := strings.LastIndex(text, "> ")
	return strings.ReplaceAll(text[at+2:], "\n", "")
}

func TestShellMenuCloses(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder kind=\t")
	s.waitFor("TOY")
	s.send("\t\t")
	s.waitFor("› BOOK")
	s.send(keyEsc)
	s.wait("the text as it was", func(text string) bool {
		return input(text) == "PlaceOrder kind=" && !strings.Contains(text, "TOY")
	})
}

func TestShellPastes(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder " + pasteFrom + "{\r  \"id\": \"p\",\r  \"kind\": \"KIND_TOY\",\r  \"note\": \"n\"\r}\r" + pasteTo)
	text := s.wait("five rows", func(text string) bool { return strings.Contains(text, "... }") })
	if strings.Count(text, "\n... ") != 4 || s.server.Stats().Calls[placeOrder].Started != 0 {
		t.Errorf("the screen is\n%s", text)
	}
	s.send("\r")
	s.waitFor("OK ·")
	s.waitPrompt()
	if n := s.server.Stats().Calls[placeOrder].Started; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestShellEditsSeveralLines(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder {\r\"id\":\"x\"\r")
	s.wait("three rows", func(text string) bool { return strings.Count(text, "...") == 2 })
	s.send(keyUp + ctrl('e') + keyLeft + "yz" + keyDown + "}\r")
	s.waitFor(`"id": "xyz"`)
	s.waitPrompt()
	if n := s.server.Stats().Calls[placeOrder].Started; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestShellGreatPaste(t *testing.T) {
	s := openShell(t)
	var body strings.Builder
	body.WriteString("{\"labels\": {")
	const lines = 4000
	for i := range lines {
		fmt.Fprintf(&body, "\n  \"key-%06d\": \"a value of some length %d\",", i, i)
	}
	body.WriteString("}}")
	s.send("PlaceOrder " + pasteFrom + body.String() + pasteTo)
	s.waitFor("lines]")
	began := time.Now()
	s.send("x")
	s.waitFor("lines]x")
	if took := time.Since(began); took > 500*time.Millisecond { // ten times what it should take
		t.Errorf("a key took %s", took)
	}
	s.send("\x7f | tr -d '\\n' | wc -c\r")
	text := s.wait("a number", func(text string) bool {
		n := 0
		_, err := fmt.Sscan(lineBefore(text), &n)
		return err == nil && n > 150_000
	})
	if strings.Contains(text, "✗") {
		t.Errorf("the screen is\n%s", text)
	}
}

// lineBefore is the line above the last one.
func lineBefore(text string) string {
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-2)]
}

func TestShellGivesTheTextBack(t *testing.T) {
	s := openShell(t)
	s.send(`PlaceOrder {"big":"zz"}` + "\r")
	text := s.waitFor("int64")
	at := strings.Index(lineWith(text, "zz"), `"zz"`)
	if mark := strings.Index(lineWith(text, "~~~~"), "~~~~"); mark != at {
		t.Errorf("the mark is at %d, the fault at %d:\n%s", mark, at, text)
	}
	s.waitInput(`PlaceOrder {"big":"zz"}`)
	s.send("\x7f\x7f\x7f\x7f" + "12\r") // the cursor stands behind the fault
	s.waitFor(`"big": "12"`)
}

func TestShellSearchesItsHistory(t *testing.T) {
	s := openShell(t)
	for _, line := range []string{"Shop.Watch count=1", "list", "Shop.Watch count=0", "version"} {
		s.send(line + "\r")
		s.wait(line+" to be run", func(text string) bool { return strings.Contains(text, line) && input(text) == "" })
	}
	s.send("typed")
	s.waitInput("typed")
	s.send(ctrl('r') + "Wat")
	s.waitFor("(search 'Wat') Shop.Watch count=0")
	s.send(ctrl('r'))
	s.waitFor("(search 'Wat') Shop.Watch count=1")
	s.send("\r")
	s.waitInput("Shop.Watch count=1")
	s.send(ctrl('e') + ctrl('u') + "typed")
	s.waitInput("typed")
	s.send(ctrl('r') + "Wat")
	s.waitFor("(search 'Wat') Shop.Watch count=0")
	s.send(keyEsc)
	s.waitInput("typed")
}

func TestShellKeepsNoSecrets(t *testing.T) {
	s := openShell(t)
	s.send("header authorization: Bearer s3cr3t\r")
	s.waitPrompt()
	s.send("header\r")
	s.waitFor("authorization: •••")
	s.send("Lab.Metadata -H 'x-api-key: s3cr3t'\r")
	s.waitFor("OK ·")
	s.send(keyUp + keyUp + keyUp)
	s.waitInput("header authorization: ‹redacted›")
	s.send("\r")
	s.waitFor("authorization (not shown):")
	s.send(ctrl('c'))
	s.waitInput("header authorization: ‹redacted›")
	s.send(ctrl('e') + ctrl('u') + "exit\r")
	s.ends(0)
	files := s.stored()
	if len(files) == 0 {
		t.Error("nothing was stored")
	}
	for path, text := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "s3cr3t") || info.Mode().Perm() != 0o600 {
			t.Errorf("%s, %v: %s", path, info.Mode(), text)
		}
	}
	if dir, err := os.Stat(filepath.Join(s.state, "rpcctl")); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", dir, err)
	}
}

// Shells beside each other share what is typed, and lose nothing of it.
func TestShellsShareTheHistory(t *testing.T) {
	a := openShell(t)
	b := openShell(t, environment("XDG_STATE_HOME="+a.state))
	a.send("SayHello name=Ann\r")
	a.waitFor("Hello, Ann!")
	a.waitPrompt()
	b.send("SayHello name=Bob\r")
	b.waitFor("Hello, Bob!")
	b.waitPrompt()
	b.send(keyUp + keyUp)
	b.waitInput("SayHello name=Ann")
	b.send(ctrl('u') + "exit\r")
	b.ends(0)
	a.send("exit\r")
	a.ends(0)
	for _, text := range a.stored() {
		if text != "" && (!strings.Contains(text, "name=Ann") || !strings.Contains(text, "name=Bob")) {
			t.Errorf("the history is %s", text)
		}
	}
}

// A window of four rows, and a text that is longer than it.
func TestShellInASmallWindow(t *testing.T) {
	s := openShell(t, sized(20, 4))
	long := "PlaceOrder note='" + strings.Repeat("0123456789", 300)
	s.send(long)
	s.wait("the end of the text", func(text string) bool { return strings.HasSuffix(strings.ReplaceAll(text, "\n", ""), "23456789") })
	s.send(ctrl('a') + "X")
	s.waitFor("XPlaceO")
	s.send(ctrl('e') + "end'")
	s.wait("the new end", func(text string) bool { return strings.HasSuffix(strings.ReplaceAll(text, "\n", ""), "789end'") })
	s.send(ctrl('a') + "\x1b[3~\r")
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[placeOrder].Ended == 1 })
	s.waitPrompt()
	s.send(ctrl('d'))
	s.ends(0)
}

package input

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A group is parts that make messages together. Where the client streams, it is a part
// with documents, each of which the words after it change, or words alone. Otherwise it
// is all parts, which make one message.
type group struct {
	o     *Options
	items []item
	lazy  bool // it has a file or standard input, which is read when its turn comes

	ready [][]byte // the messages, when it is not lazy
	// What follows is for the one message.
	mergedItems int // items merged
	only        []byte
	merge       *dynamicpb.Message
	words       *change
	done        bool
	out         []byte // the last message

	decoders *decoders
}

// An item is a part: either documents or a word.
type item struct {
	docs *documents
	word *word
}

// add adds a part to the group.
func (g *group) add(index int, p Part, kind partKind, name string) error {
	if kind == partWord {
		w, err := parseWord(index, p)
		if err != nil {
			return err
		}
		g.items = append(g.items, item{word: w})
		return nil
	}
	if kind == partDocument && !p.Data {
		if err := checkDocument(index, p, g.o); err != nil {
			return err
		}
	}
	g.lazy = g.lazy || kind != partDocument
	g.items = append(g.items, item{docs: p.documents(index, kind, name, g.o)})
	return nil
}

// prepare makes all messages of a group that is not lazy, and returns how many. before is
// how many messages come before them, -1 when that is not known yet.
func (g *group) prepare(streams bool, before int) (int, error) {
	g.lazy = true
	ctx := context.Background()
	for n := 0; ; n++ {
		number := 0
		if streams && before >= 0 {
			number = before + n + 1
		}
		wire, err := g.next(ctx, streams, number)
		if err == io.EOF {
			g.lazy = false
			return n, nil
		}
		if err != nil {
			return n, err
		}
		g.ready = append(g.ready, append([]byte{}, wire...))
	}
}

// next returns the next message of the group.
func (g *group) next(ctx context.Context, streams bool, number int) ([]byte, error) {
	if !g.lazy {
		if len(g.ready) == 0 {
			return nil, io.EOF
		}
		wire := g.ready[0]
		g.ready = g.ready[1:]
		return wire, nil
	}
	if !streams {
		return g.merged(ctx)
	}
	words := g.items
	wire := []byte{}
	if d := g.items[0].docs; d != nil {
		words = words[1:]
		d.number = number
		var err error
		if wire, err = d.next(ctx); err != nil {
			return nil, err
		}
	} else if g.done {
		return nil, io.EOF
	}
	g.done = true
	if len(words) == 0 {
		return wire, nil
	}
	m, err := g.message(wire)
	if err != nil {
		return nil, err
	}
	c := newChange(g.decoders, number)
	c.alone = len(words) == 1
	var wrong wrongs
	for _, it := range words {
		if err := wrong.apply(c, m, it.word); err != nil {
			return nil, err
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return g.marshal(m)
}

// reading is the name of the file or input that the next message comes from, or "".
func (g *group) reading() string {
	if at := min(g.mergedItems, len(g.items)-1); at >= 0 && g.items[at].docs != nil {
		return g.items[at].docs.name
	}
	return ""
}

// stdin reports whether standard input comes next, or has come.
func (g *group) stdin() bool {
	for _, it := range g.items[:min(g.mergedItems+1, len(g.items))] {
		if it.docs != nil && it.docs.stdin {
			return true
		}
	}
	return false
}

// merged returns the one message that all parts make. The first document stays in wire
// form as long as it is alone.
func (g *group) merged(ctx context.Context) ([]byte, error) {
	if g.done {
		return nil, io.EOF
	}
	var wrong wrongs
	for ; g.mergedItems < len(g.items); g.mergedItems++ {
		it := g.items[g.mergedItems]
		if it.word != nil {
			if err := g.mergeWord(it.word, &wrong); err != nil {
				return nil, err
			}
			continue
		}
		if err := wrong.err(); err != nil {
			return nil, err
		}
		if err := g.mergeDocument(ctx, it.docs); err != nil {
			return nil, err
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	g.done = true
	switch {
	case g.merge != nil:
		return g.marshal(g.merge)
	case g.only != nil:
		return g.only, nil
	}
	return []byte{}, nil
}

// mergeWord applies a word to what was merged so far. Its faults go to wrong, so that those of
// the next words are reported, too.
func (g *group) mergeWord(w *word, wrong *wrongs) error {
	if g.words == nil {
		g.words = newChange(g.decoders, 0)
	}
	if err := g.unfold(); err != nil {
		return err
	}
	return wrong.apply(g.words, g.merge, w)
}

// mergeDocument merges the one document of a part, if it has one, into what was merged so far.
func (g *group) mergeDocument(ctx context.Context, docs *documents) error {
	encoded, err := docs.only(ctx)
	if err != nil && err != io.EOF {
		return err
	}
	docs.feed.close()
	switch {
	case err == io.EOF:
		return nil
	case g.mergedItems == 0:
		g.only = encoded
		return nil
	}
	if err := g.unfold(); err != nil {
		return err
	}
	return g.unmarshal(encoded, g.merge)
}

// unfold makes the message of what was merged so far.
func (g *group) unfold() (err error) {
	if g.merge == nil {
		g.merge, err = g.message(g.only)
	}
	return err
}

func (g *group) message(wire []byte) (*dynamicpb.Message, error) {
	m := dynamicpb.NewMessage(g.o.Message)
	return m, g.unmarshal(wire, m)
}

// unmarshal merges a message in wire form into m. Only raw bytes can be invalid here.
func (g *group) unmarshal(wire []byte, m *dynamicpb.Message) error {
	err := proto.UnmarshalOptions{AllowPartial: true, Merge: true, Resolver: g.o.types()}.Unmarshal(wire, m)
	if err == nil {
		return nil
	}
	for _, it := range g.items {
		if it.docs != nil && it.docs.format == FormatRaw {
			return it.docs.newError([]Fault{{Problem: fmt.Sprintf("the bytes are not a %s: %s", g.o.Message.FullName(),
				plain(err))}})
		}
	}
	return g.items[0].failed(err)
}

func (g *group) marshal(m proto.Message) ([]byte, error) {
	out, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(g.out[:0], m)
	if err != nil {
		return nil, g.items[len(g.items)-1].failed(err)
	}
	g.out = out
	return out, nil
}

func (it item) failed(err error) error {
	if it.docs != nil {
		return it.docs.failed(err)
	}
	return newError(it.word.index, it.word.part.Origin, "", []Fault{{Problem: plain(err)}})
}

// rehearse applies the words of a lazy group to an empty message, so that a wrong one is
// found before a call begins.
func (g *group) rehearse() error {
	var wrong wrongs
	if err := g.rehearseWords(&wrong); err != nil {
		return err
	}
	return wrong.err()
}

func (g *group) rehearseWords(wrong *wrongs) error {
	m := dynamicpb.NewMessage(g.o.Message)
	c := newChange(g.decoders, 0)
	c.rehearsal = true
	for _, it := range g.items {
		if it.word == nil {
			continue
		}
		if err := wrong.apply(c, m, it.word); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) close() {
	for _, it := range g.items {
		if it.docs != nil {
			it.docs.feed.close()
		}
	}
}

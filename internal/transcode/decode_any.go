package transcode

import "google.golang.org/protobuf/encoding/protowire"

// anyKeys are the keys of an object that say which Any it is.
type anyKeys struct {
	url        token // what "@type" says, when typed
	typed      bool
	unresolved bool
	empty      bool
}

// any reads an object as a google.protobuf.Any.
func (s *decoding) any(p *plan, depth int) outcome {
	t, ok := s.token()
	if !ok {
		return stop
	}
	if t.kind != objectToken {
		return s.mismatch(t)
	}
	begin := s.pos
	keys, out := s.lookAhead()
	if out != written {
		return out
	}
	if keys.empty {
		return written
	}
	s.pos = begin
	url := keys.url.text
	switch {
	case !keys.typed && s.o.AllowUnknown:
		if !s.skip() {
			return stop
		}
		return written
	case !keys.typed:
		return s.passOver(t.span, s.subject()+` wants a key "@type", which names the message's type`)
	case len(url) == 0 && !(s.o.Lenient && keys.unresolved):
		return s.passOver(keys.url.span, `"@type" is empty`)
	}
	var inner *plan
	if len(url) > 0 {
		inner = s.set.byURL(url)
	}
	if s.o.Lenient && keys.unresolved && (inner == nil || !s.o.AllowUnknown && inner.names["unresolved"] == nil) {
		return s.unresolved(p, url)
	}
	if inner == nil {
		return s.passOver(keys.url.span, "no message type "+quote(url)+" is known, so its JSON cannot be read")
	}
	s.out = protowire.AppendBytes(append(s.out, p.byNumber(1).tag...), url)
	return s.packAny(p, inner, depth)
}

// packAny reads the object at pos as the value of an Any whose message is of the plan inner.
func (s *decoding) packAny(p, inner *plan, depth int) outcome {
	at := len(s.out)
	s.out = append(s.out, p.byNumber(2).tag...)
	mark := s.begin(depth)
	from := len(s.out)
	var out outcome
	if inner.known == notKnown {
		if depth >= maxDepth {
			s.fault(s.pos, s.pos, tooDeep, "")
			return stop
		}
		out = s.object(inner, depth+1, true)
	} else {
		out = s.anyValue(inner, depth)
	}
	if out != written {
		return out
	}
	if len(s.out) == from {
		s.out = s.out[:at]
		return written
	}
	s.end(mark, depth)
	return written
}

// passOver notes a fault of the object at pos, and skips the object.
func (s *decoding) passOver(at span, problem string) outcome {
	if s.faulty(at, problem, "") == stop || !s.skip() {
		return stop
	}
	return nothing
}

// lookAhead reads ahead in the object at pos for the keys that say which message it is. When
// "@type" comes first, as it should, only a lenient decoder reads on, to find "unresolved".
//
// Looking ahead reads text twice, and in nested objects once more for each level, so the bytes
// that may be read ahead are bounded in all.
func (s *decoding) lookAhead() (keys anyKeys, out outcome) {
	start := s.pos
	s.pos++
	keys.empty = true
	budget := &s.ahead
	for n := 0; ; n++ {
		out := s.next('}', n)
		if out == stop {
			return keys, stop
		}
		if out == nothing {
			*budget -= s.pos - start
			return keys, written
		}
		if n > 0 && *budget < s.pos-start {
			if budget == &s.curious {
				return keys, written
			}
			s.fault(start, start+1, `objects for Any nest so deep that "@type" must come first in them`, "")
			return keys, stop
		}
		keys.empty = false
		k, ok := s.key()
		if !ok {
			return keys, stop
		}
		switch string(k.text) {
		case "@type":
			if !s.typeURL(&keys) {
				return keys, stop
			}
			if n == 0 && !s.o.Lenient {
				// Whatever reads the object next finds its end.
				return keys, written
			}
			if n == 0 {
				budget = &s.curious
			}
			continue
		case "unresolved":
			at := s.pos
			t, ok := s.token()
			if !ok {
				return keys, stop
			}
			if t.kind == wordToken {
				keys.unresolved = string(t.text) == "true"
				continue
			}
			s.pos = at
		}
		if !s.skip() {
			return keys, stop
		}
	}
}

// typeURL reads the value of "@type". It reports false when the value is no string: then no
// other fault of the object can be found.
func (s *decoding) typeURL(keys *anyKeys) bool {
	t, ok := s.token()
	if !ok {
		return false
	}
	if t.kind != stringToken {
		s.fault(t.span.start, t.span.end, `"@type" wants a string`, "")
		return false
	}
	if !keys.typed {
		// This is a copy, since the text of the next string replaces it.
		at := len(s.urls)
		s.urls = append(s.urls, t.text...)
		t.text = s.urls[at:len(s.urls):len(s.urls)]
		keys.url, keys.typed = t, true
	}
	return true
}

// anyValue reads an object whose key "value" stands for a well-known type.
func (s *decoding) anyValue(inner *plan, depth int) outcome {
	begin := s.pos
	s.pos++
	typed, found := false, false
	for n := 0; ; n++ {
		out := s.next('}', n)
		if out == stop {
			return stop
		}
		if out == nothing {
			break
		}
		k, ok := s.key()
		if !ok {
			return stop
		}
		var again *bool
		switch string(k.text) {
		case "@type":
			again = &typed
		case "value":
			again = &found
		default:
			if !s.o.AllowUnknown && s.faulty(k.span,
				"no field "+quote(k.text)+" in an Any of "+string(inner.md.FullName()), "value") == stop {
				return stop
			}
		}
		if again != nil && *again && s.faulty(k.span, "the key "+excerpt(k.text)+" is here twice", "") == stop {
			return stop
		}
		switch again {
		case &found:
			out = s.message(inner, depth+1)
		default:
			if out = written; !s.skip() {
				out = stop
			}
		}
		if out == stop {
			return stop
		}
		if again != nil {
			*again = true
		}
	}
	if !found && inner.known != knownEmpty {
		return s.faulty(span{begin, begin + 1}, s.subject()+` wants a key "value" with `+inner.wanted(), "")
	}
	return written
}

// unresolved reads the form in which an Encoder prints an Any whose type it does not know.
func (s *decoding) unresolved(p *plan, url []byte) outcome {
	if len(url) > 0 {
		s.out = protowire.AppendBytes(append(s.out, p.byNumber(1).tag...), url)
	}
	s.pos++
	var met [3]bool
	for n := 0; ; n++ {
		out := s.next('}', n)
		if out == stop {
			return stop
		}
		if out == nothing {
			return written
		}
		k, ok := s.key()
		if !ok {
			return stop
		}
		which := -1
		switch string(k.text) {
		case "@type":
			which = 0
		case "value":
			which = 1
		case "unresolved":
			which = 2
		}
		if which < 0 {
			if s.faulty(k.span, "no field "+quote(k.text)+` beside "unresolved"`, "value") == stop {
				return stop
			}
		} else if met[which] && s.faulty(k.span, "the key "+excerpt(k.text)+" is here twice", "") == stop {
			return stop
		}
		if which == 1 {
			f := p.byNumber(2)
			s.path = append(s.path, place{f: f})
			out = s.scalar(f, f.tag, false)
			s.path = s.path[:len(s.path)-1]
			if out == stop {
				return stop
			}
		} else if !s.skip() {
			return stop
		}
		if which >= 0 {
			met[which] = true
		}
	}
}

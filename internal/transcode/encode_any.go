package transcode

// any prints a google.protobuf.Any: the fields of its message beside "@type", or what
// stands for a well-known type under "value". A message whose type is not known prints as
// its bytes in base64, with "unresolved" set; that never fails.
func (s *encoding) any(p *plan, lo, hi, depth int) error {
	base := len(s.runs)
	if err := s.gather(p, lo, hi); err != nil {
		return err
	}
	var url, value run
	var hasURL bool
	for _, r := range s.runs[base:] {
		switch p.fields[r.field].num {
		case 1:
			url, hasURL = r, r.start < r.end
		case 2:
			value = r
		}
	}
	s.runs = s.runs[:base]
	if !hasURL && value.start == value.end {
		s.out = append(s.out, "{}"...)
		return nil
	}
	s.out = append(s.out, '{')
	s.name("@type", 0, depth)
	if err := s.text(p.byNumber(1), int(url.start), int(url.end)); err != nil {
		return within(err, p.byNumber(1))
	}
	var inner *plan
	if hasURL {
		inner = s.set.byURL(s.wire[url.start:url.end])
	}
	n := 1
	var err error
	switch {
	case inner == nil:
		s.name("value", n, depth)
		err = s.text(p.byNumber(2), int(value.start), int(value.end))
		s.name("unresolved", n+1, depth)
		s.out = append(s.out, "true"...)
	case inner.known != notKnown && inner.known != knownEmpty:
		s.name("value", n, depth)
		err = s.span(inner, int(value.start), int(value.end), depth+1)
	default:
		if depth >= maxDepth {
			return s.fault(int(value.start), tooDeep)
		}
		s.runs = append(s.runs, run{start: value.start, end: value.end})
		n, err = s.fields(inner, base, base+1, depth, n)
		s.runs = s.runs[:base]
	}
	if err != nil {
		return err
	}
	s.shut('}', n, depth)
	return nil
}

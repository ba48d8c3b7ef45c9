package cmd

// contextChanged drops the credentials that lines without a target of their own were
// sent with: the target that they go to now is another context's.
func (s *shell) contextChanged(l *line) {
	_, addr := s.flag("addr")
	_, unix := s.flag("unix")
	if !addr && !unix {
		s.dropCredentials(l, "")
	}
}

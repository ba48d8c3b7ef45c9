package discovery

import "google.golang.org/protobuf/reflect/protoreflect"

// Known returns what a source can list without asking.
func Known(s Source) []protoreflect.FullName { return s.(enumerator).known() }

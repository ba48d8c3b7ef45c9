package formatters

import "encoding/json"

// What follows reads JSON that our own encoder has made: compact and well formed.

// jsonEnd returns the length of the value that s begins with.
func jsonEnd(s []byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(s))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// jsonMembers calls f with each member of an object.
func jsonMembers(object []byte, f func(key string, value []byte)) {
	for s := inner(object); len(s) > 0; s = afterComma(s) {
		n := jsonEnd(s)
		key := jsonText(s[:n])
		s = s[min(n+1, len(s)):] // past the colon
		n = jsonEnd(s)
		f(key, s[:n])
		s = s[n:]
	}
}

// jsonElements calls f with each element of an array.
func jsonElements(array []byte, f func(value []byte)) {
	for s := inner(array); len(s) > 0; s = afterComma(s) {
		n := jsonEnd(s)
		f(s[:n])
		s = s[n:]
	}
}

// inner returns what is between the brackets.
func inner(s []byte) []byte {
	if len(s) < 2 {
		return nil
	}
	return s[1 : len(s)-1]
}

func afterComma(s []byte) []byte {
	if len(s) == 0 {
		return nil
	}
	return s[1:]
}

// jsonText returns the text in a JSON string; any other value as it stands.
func jsonText(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return string(value)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return string(value)
	}
	return s
}

// jsonAt returns the value at a path of keys in an object, or nil.
func jsonAt(value []byte, path []string) []byte {
	for _, name := range path {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		var found []byte
		jsonMembers(value, func(key string, v []byte) {
			if key == name {
				found = v
			}
		})
		value = found
	}
	return value
}

package transcode

import "strconv"

// isNumber reports whether text is a number as JSON has them (RFC 8259, section 6).
func isNumber(text []byte) bool {
	_, ok := splitNumber(text)
	return ok
}

// numberText is the parts of a JSON number.
type numberText struct {
	negative bool
	whole    []byte // "" for 0
	fraction []byte // without zeros at its end
	exponent []byte // with its sign
}

func splitNumber(text []byte) (n numberText, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		n.negative = true
		text = text[1:]
	}
	i := digits(text)
	if i == 0 || text[0] == '0' && i > 1 {
		return n, false
	}
	n.whole, text = text[:i], text[i:]
	if n.whole[0] == '0' {
		n.whole = nil
	}
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
		i = digits(text)
		if i == 0 {
			return n, false
		}
		n.fraction, text = text[:i], text[i:]
		for len(n.fraction) > 0 && n.fraction[len(n.fraction)-1] == '0' {
			n.fraction = n.fraction[:len(n.fraction)-1]
		}
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		n.exponent = text[1:]
		rest := n.exponent
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		i = digits(rest)
		if i == 0 {
			return n, false
		}
		text = rest[i:]
	}
	return n, len(text) == 0
}

// digits returns how many digits text begins with.
func digits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

// A numberFault says why a text is not the number that is wanted.
type numberFault uint8

const (
	numberFine numberFault = iota
	notANumber
	notWhole
	tooLarge
	isNegative
)

// integer returns the whole number that a text represents, in any of JSON's spellings. The
// magnitude is up to 64 bits.
func integer(text []byte) (negative bool, magnitude uint64, fault numberFault) {
	if negative, magnitude, ok := shortInteger(text); ok {
		return negative, magnitude, numberFine
	}
	n, ok := splitNumber(text)
	if !ok {
		return false, 0, notANumber
	}
	if len(n.whole) == 0 && len(n.fraction) == 0 {
		return n.negative, 0, numberFine
	}
	exp, err := 0, error(nil)
	if len(n.exponent) > 0 {
		var e int64
		e, err = strconv.ParseInt(string(n.exponent), 10, 32)
		exp = int(e)
	}
	if err != nil {
		return false, 0, tooLarge
	}
	if exp < 0 {
		cut := len(n.whole) + exp
		if len(n.fraction) > 0 || cut < 0 {
			return false, 0, notWhole
		}
		for _, c := range n.whole[cut:] {
			if c != '0' {
				return false, 0, notWhole
			}
		}
		magnitude, ok = addDigits(0, n.whole[:cut])
	} else {
		if len(n.fraction) > exp {
			return false, 0, notWhole
		}
		// The greatest number of 64 bits has 20 digits.
		if len(n.whole)+exp > 20 {
			return false, 0, tooLarge
		}
		if magnitude, ok = addDigits(0, n.whole); ok {
			magnitude, ok = addDigits(magnitude, n.fraction)
		}
		for i := len(n.fraction); i < exp && ok; i++ {
			magnitude, ok = addDigits(magnitude, []byte{'0'})
		}
	}
	if !ok {
		return false, 0, tooLarge
	}
	return n.negative, magnitude, numberFine
}

// shortInteger is integer for the common case of a few digits.
func shortInteger(text []byte) (negative bool, magnitude uint64, ok bool) {
	if n := len(text); n == 0 || n >= 19 {
		return false, 0, false
	}
	if text[0] == '-' {
		negative = true
		text = text[1:]
	}
	if len(text) == 0 || text[0] == '0' && len(text) > 1 {
		return false, 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false, 0, false
		}
		magnitude = magnitude*10 + uint64(c-'0')
	}
	return negative, magnitude, true
}

// addDigits appends decimal digits to v; it reports false when that is past 64 bits.
func addDigits(v uint64, text []byte) (uint64, bool) {
	for _, c := range text {
		d := uint64(c - '0')
		if v > (1<<64-1)/10 || v*10 > 1<<64-1-d {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// hexadecimal returns the number that a text such as 0x1f represents, with or without a sign.
func hexadecimal(text []byte) (negative bool, magnitude uint64, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		negative = true
		text = text[1:]
	}
	if len(text) < 3 || text[0] != '0' || text[1] != 'x' && text[1] != 'X' || text[2] == '+' || text[2] == '-' {
		return false, 0, false
	}
	v, err := strconv.ParseUint(string(text[2:]), 16, 64)
	return negative, v, err == nil
}

// inRange returns the number as a sign-extended 64-bit pattern if it fits into the given
// bits, and the fault if it does not.
func inRange(negative bool, magnitude uint64, bits int, signed bool) (uint64, numberFault) {
	switch {
	case !signed && negative && magnitude > 0:
		return 0, isNegative
	case !signed && bits == 32 && magnitude > 1<<32-1:
		return 0, tooLarge
	case !signed:
		return magnitude, numberFine
	}
	limit := uint64(1) << (bits - 1)
	if negative {
		if magnitude > limit {
			return 0, tooLarge
		}
		return -magnitude, numberFine
	}
	if magnitude >= limit {
		return 0, tooLarge
	}
	return magnitude, numberFine
}

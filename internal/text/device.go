package text

import "regexp"

const maxUniqueID = 255 // characters

var serialCode = regexp.MustCompile(`^[A-Za-z0-9]{4,32}$`)

// SerialCode reports whether s can be the serial code of a device: 4 to 32
// letters and digits.
func SerialCode(s string) bool { return serialCode.MatchString(s) }

// UniqueID reports whether s can be the unique id of a device: clean, not empty
// and at most 255 characters. It is asked before the database is, because
// PostgreSQL fails on text that it can't hold.
func UniqueID(s string) bool { return s != "" && Clean(s, maxUniqueID) }

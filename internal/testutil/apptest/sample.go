package apptest

import (
	"testing"

	"luxbff/operations"
)

// Sample is the text of one of the mobile documents.
func Sample(t testing.TB, name string) operations.Sample {
	t.Helper()
	for _, one := range operations.All() {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("no sample %q", name)
	return operations.Sample{}
}

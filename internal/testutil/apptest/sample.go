package apptest

import (
	"testing"

	"luxbff/operations"
)

// Sample is one of the documents in operations/, which the apps send.
func Sample(t testing.TB, name string) operations.Sample {
	t.Helper()
	for _, sample := range operations.All() {
		if sample.Name == name {
			return sample
		}
	}
	t.Fatalf("no sample %q", name)
	return operations.Sample{}
}

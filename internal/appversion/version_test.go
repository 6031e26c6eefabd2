package appversion_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/appversion"
)

func TestVersionsAreRead(t *testing.T) {
	t.Parallel()
	for text, same := range map[string]string{
		"2": "2.0.0", "2.1": "2.1.0", "02.1": "2.01", "0": "0.0", "2.1.0-45": "2.1", "2.1.0+build.7": "2.1",
		"2.1.0 (45)": "2.1", "20261130123456789012": "20261130123456789012.0", "": "", "v2": "", "2.": "", ".2": "", "2..1": "",
		"2.1b3": "", "-1": "", "two": "", "２": "", "unknown": "", "other": "",
	} {
		v, ok := appversion.Parse(text)
		want, isVersion := appversion.Parse(same)
		if ok != isVersion || ok != (same != "") || v != want {
			t.Errorf("%q is %v, %v", text, v, ok)
		}
	}
}

// written writes the numbers of a version as some app may.
func written(t *rapid.T, numbers []uint32) string {
	var text strings.Builder
	for i, n := range numbers {
		if i > 0 {
			text.WriteString(".")
		}
		text.WriteString(rapid.SampledFrom([]string{"", "0", "00"}).Draw(t, "zeros") + strconv.FormatUint(uint64(n), 10))
	}
	return text.String() + strings.Repeat(".0", rapid.IntRange(0, 2).Draw(t, "missing parts")) +
		rapid.SampledFrom([]string{"", "-beta.9", "+7", " (45)"}).Draw(t, "suffix")
}

// TestVersionsCompareByTheirNumbers compares versions as lists of numbers, of which those that
// are missing are 0, however they are written.
func TestVersionsCompareByTheirNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		numbers := rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32()), 1, 4)
		one, other := numbers.Draw(rt, "one"), numbers.Draw(rt, "other")
		a, isOne := appversion.Parse(written(rt, one))
		b, isOther := appversion.Parse(written(rt, other))
		if !isOne || !isOther {
			rt.Fatal("no versions")
		}
		padded := func(n []uint32) []uint32 { return append(slices.Clone(n), make([]uint32, 4-len(n))...) }
		want := slices.Compare(padded(one), padded(other))
		if sign(a.Compare(b)) != want || sign(b.Compare(a)) != -want || (want == 0) != (a == b) {
			rt.Fatalf("%v and %v: %d and %d, want %d", one, other, a.Compare(b), b.Compare(a), want)
		}
	})
}

func sign(order int) int { return min(1, max(-1, order)) }

// FuzzVersion holds that what is read as a version is one however it goes on, and the same as
// itself.
func FuzzVersion(f *testing.F) {
	for _, text := range []string{"2.1.0", "02.1-45", "1..2", "", "9999999999999999999999.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := appversion.Parse(text)
		if !ok {
			return
		}
		if with, isVersion := appversion.Parse(text + "-x"); !isVersion || v.Compare(with) != 0 {
			t.Errorf("%q differs with a suffix", text)
		}
		if strings.ContainsAny(text, "-+ ") {
			return
		}
		if longer, isVersion := appversion.Parse(text + ".0"); !isVersion || v != longer {
			t.Errorf("%q differs with a part that is 0", text)
		}
		if newer, isVersion := appversion.Parse(text + ".1"); !isVersion || v.Compare(newer) >= 0 || newer.Compare(v) <= 0 {
			t.Errorf("%q is not older than %q", text, text+".1")
		}
	})
}

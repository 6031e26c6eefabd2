package gqlhttp

import (
	"strconv"
	"strings"
	"testing"
)

func TestTextCacheIsBoundedBySize(t *testing.T) {
	t.Parallel()
	cache := newTextCache[int](1_000, 10_000)
	text := func(i int) string { return strconv.Itoa(i) + strings.Repeat(" ", 990) }
	for i := range 100 {
		cache.Add(t.Context(), text(i), i)
		if _, kept := cache.Get(t.Context(), text(0)); !kept {
			t.Fatalf("the text that is used most is gone after %d others", i)
		}
	}
	kept := 0
	for i := range 100 {
		if value, ok := cache.Get(t.Context(), text(i)); ok {
			kept++
			if value != i {
				t.Errorf("%d is %d", i, value)
			}
		}
	}
	if kept != 10 || cache.size > 10_000 {
		t.Errorf("kept %d, %d bytes", kept, cache.size)
	}
}

func TestTextCacheIsBoundedByCount(t *testing.T) {
	t.Parallel()
	cache := newTextCache[int](2, 10_000)
	for i, text := range []string{"a", "bb", "ccc", "bb"} {
		cache.Add(t.Context(), text, i)
	}
	if _, kept := cache.Get(t.Context(), "a"); kept {
		t.Error("three are kept")
	}
	if value, _ := cache.Get(t.Context(), "bb"); value != 3 || cache.size != len("bb")+len("ccc") {
		t.Errorf("got %d, %d bytes", value, cache.size)
	}
}

func TestTextCacheDoesNotKeepLargeTexts(t *testing.T) {
	t.Parallel()
	cache := newTextCache[int](10, 1<<20)
	for size, want := range map[int]bool{largestCachedDocument: true, largestCachedDocument + 1: false} {
		text := strings.Repeat("#", size)
		cache.Add(t.Context(), text, 1)
		if _, kept := cache.Get(t.Context(), text); kept != want {
			t.Errorf("%d bytes: kept is %v", size, kept)
		}
	}
}

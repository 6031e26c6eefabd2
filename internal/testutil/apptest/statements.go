package apptest

import (
	"maps"
	"slices"
	"sync"

	"luxbff/internal/store"
)

// statements are the distinct texts of the SQL statements that a server has run.
type statements struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (s *statements) add(ran store.Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[ran.Query] = true
}

// Statements are the distinct SQL statements that the server has run, in the order of
// their texts.
func (s *Server) Statements() []string {
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	return slices.Sorted(maps.Keys(s.statements.texts))
}

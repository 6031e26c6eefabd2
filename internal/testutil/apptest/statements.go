package apptest

import (
	"maps"
	"slices"
	"sync"

	"luxbff/internal/store"
)

// statements are the distinct texts of the SQL statements that a server has run, and those
// that it runs while a test records them.
type statements struct {
	mu        sync.Mutex
	texts     map[string]bool
	recording bool
	recorded  []store.Statement
}

func (s *statements) add(ran store.Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[ran.Query] = true
	if s.recording {
		s.recorded = append(s.recorded, ran)
	}
}

// RecordStatements records every statement of the server from now on, those of its work in
// the background as well, until stop gives them.
func (s *Server) RecordStatements() (stop func() []store.Statement) {
	s.statements.record(true)
	return func() []store.Statement { return s.statements.record(false) }
}

func (s *statements) record(on bool) (before []store.Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.recorded
	s.recording, s.recorded = on, nil
	return before
}

// Statements are the distinct SQL statements that the server has run, in the order of
// their texts.
func (s *Server) Statements() []string {
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	return slices.Sorted(maps.Keys(s.statements.texts))
}

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	begin = "<!-- `make bench` writes from here -->\n"
	end   = "<!-- to here -->\n"
)

// replaceSection replaces what stands between the two markers of the page.
func replaceSection(page, section string) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", errors.New("the page has lost the markers between which the table stands")
	}
	return before + begin + "\n" + section + "\n" + end + after, nil
}

// markdown is the section of docs/performance.md.
func (r *results) markdown() string {
	var text strings.Builder
	for i, one := range r.machine {
		if i > 0 {
			text.WriteString(" · ")
		}
		fmt.Fprintf(&text, "%s: %s", one.name, one.value)
	}
	text.WriteString("\n\n| what | beside | goal | reached | raw figures |\n|---|---|---|---|---|\n")
	for _, one := range rows {
		fmt.Fprintln(&text, r.line(one))
	}
	text.WriteString("\n| part | date | commit | took | |\n|---|---|---|---|---|\n")
	for _, one := range parts {
		done := r.of(one.name)
		if done == nil {
			fmt.Fprintf(&text, "| %s | | | | not measured |\n", one.name)
			continue
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", one.name, done.date, done.commit, done.took.Round(time.Second), cell(done.failed))
	}
	return text.String()
}

// line is the line of the table.
func (r *results) line(of row) string {
	reached := r.show(of.reached)
	if value, found := r.value(of.reached); found && of.goal != 0 {
		reached += map[bool]string{true: ", met", false: ", **not met**"}[of.met(value)]
	}
	var raw []string
	for _, one := range of.raw {
		if _, found := r.value(one); found {
			raw = append(raw, r.show(one))
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", of.what, of.beside, of.limit(), reached, strings.Join(raw, "; "))
}

// show is the figure, or why there is none.
func (r *results) show(of figure) string {
	if value, found := r.value(of); found {
		return fmt.Sprintf(of.format, value)
	}
	done := r.of(of.part)
	if done == nil || done.failed == "" {
		return "not measured"
	}
	return "not measured: " + cell(done.failed)
}

// cell is a text that doesn't end its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func (of row) met(value float64) bool {
	if of.atLeast {
		return value >= of.goal
	}
	return value <= of.goal
}

// limit is the goal as a text.
func (of row) limit() string {
	number := strconv.FormatFloat(of.goal, 'f', -1, 64)
	switch {
	case of.goal == 0:
		return "–"
	case of.atLeast:
		return "≥ " + number
	default:
		return "≤ " + number
	}
}

// shortTable is what CI prints.
func shortTable(all *results) (lines []string) {
	for _, one := range rows {
		if _, found := all.value(one.reached); found {
			lines = append(lines, fmt.Sprintf("%s, beside %s: %s (goal %s)", one.what, one.beside, all.show(one.reached), one.limit()))
		}
	}
	return lines
}

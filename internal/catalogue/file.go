package catalogue

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"luxbff/internal/text"
)

// fileColumns are the header of a file, in this order. The last, unique_id, may
// be left out.
var fileColumns = []string{
	"serial_code", "mac", "project_id", "hardware_id", "firmware_id", "firmware_version", "unique_id",
}

// macPattern is a MAC, or the id of letters and digits that the factory gives to
// a device without one.
var macPattern = regexp.MustCompile(`^(?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|[0-9A-Za-z]{4,16})$`)

// LineError says why a line of a file can't be imported.
type LineError struct {
	Line   int // from 1, the header
	Reason string
}

// Error names the line first.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// entry is one line of a file: a device.
type entry struct {
	line                              int
	serialCode, mac                   string
	projectID, hardwareID, firmwareID int
	firmwareVersion                   string
	uniqueID                          *string // nil where the file says nothing of it
}

// readFile reads a CSV file in UTF-8: the header, then a line for each device. Space
// around a field, empty lines and the line ends of Windows are accepted, because
// people edit these files in spreadsheets. All lines are checked before anything is
// stored, so that a wrong file is refused without a transaction.
func readFile(file io.Reader) ([]entry, error) {
	lines := csv.NewReader(withoutByteOrderMark(file))
	lines.FieldsPerRecord = -1 // parseLine counts them, to give its own error.
	lines.TrimLeadingSpace = true
	header, err := lines.Read()
	if err != nil {
		return nil, readError(err)
	}
	trimSpace(header)
	if n := len(header); n < len(fileColumns)-1 || n > len(fileColumns) || !slices.Equal(header, fileColumns[:n]) {
		return nil, &LineError{1, "the header must be " + strings.Join(fileColumns, ",") + ", where unique_id may be left out"}
	}
	var entries []entry
	lineOf := map[string]int{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, readError(err)
		}
		line, _ := lines.FieldPos(0)
		e, err := parseLine(line, fields, len(header))
		if err != nil {
			return nil, err
		}
		if err := e.checkUnique(lineOf); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
}

// withoutByteOrderMark passes over the mark with which Excel begins a file. It comes
// before the first quote, where CSV allows nothing.
func withoutByteOrderMark(file io.Reader) io.Reader {
	const mark = "\ufeff"
	buffered := bufio.NewReader(file)
	// An error of the file is met again by whoever reads on.
	if begin, _ := buffered.Peek(len(mark)); string(begin) == mark {
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

func trimSpace(fields []string) {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
}

// readError names the line where the CSV is broken. The file has ended only when
// its header is asked for: an empty file.
func readError(err error) error {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return &LineError{broken.Line, broken.Err.Error()}
	}
	if errors.Is(err, io.EOF) {
		return &LineError{1, "the file is empty"}
	}
	return fmt.Errorf("read the catalogue: %w", err)
}

func parseLine(line int, fields []string, columns int) (entry, error) {
	e := entry{line: line}
	if len(fields) != columns {
		return e, &LineError{line, fmt.Sprintf("%d fields instead of %d", len(fields), columns)}
	}
	trimSpace(fields)
	e.serialCode, e.mac, e.firmwareVersion = fields[0], normalizeMAC(fields[1]), fields[5]
	for column, number := range map[int]*int{2: &e.projectID, 3: &e.hardwareID, 4: &e.firmwareID} {
		n, err := strconv.Atoi(fields[column])
		if err != nil || n < 0 || n > math.MaxInt32 {
			return e, &LineError{line, fileColumns[column] + " is not a number of 0 or more"}
		}
		*number = n
	}
	if columns == len(fileColumns) && fields[6] != "" {
		e.uniqueID = &fields[6]
	}
	return e, e.check()
}

func (e entry) check() error {
	switch {
	case !text.SerialCode(e.serialCode):
		return &LineError{e.line, "serial_code is not 4 to 32 letters and digits"}
	case !macPattern.MatchString(e.mac):
		return &LineError{e.line, "mac is not a MAC as 00:80:E1:27:4C:84"}
	case e.firmwareVersion == "" || !text.Clean(e.firmwareVersion, 32):
		return &LineError{e.line, "firmware_version is not 1 to 32 characters of UTF-8 without control characters"}
	case e.uniqueID != nil && !text.UniqueID(*e.uniqueID):
		return &LineError{e.line, "unique_id is not at most 255 characters of UTF-8 without control characters"}
	}
	return nil
}

// checkUnique refuses an entry that names the device of an earlier line. It adds
// the entry to lineOf, which knows the line of each name.
func (e entry) checkUnique(lineOf map[string]int) error {
	names := []string{"serial_code " + e.serialCode, "mac " + e.mac}
	if e.uniqueID != nil {
		names = append(names, "unique_id "+*e.uniqueID)
	}
	for _, name := range names {
		if earlier, found := lineOf[name]; found {
			return &LineError{e.line, fmt.Sprintf("%s stands in line %d already", name, earlier)}
		}
		lineOf[name] = e.line
	}
	return nil
}

// normalizeMAC spells a MAC in capitals, as apps send it. A factory's own id
// stays as it is.
func normalizeMAC(mac string) string {
	if strings.Contains(mac, ":") {
		return strings.ToUpper(mac)
	}
	return mac
}

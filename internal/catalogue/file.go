package catalogue

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/internal/text"
)

const (
	// maxDevices bounds the memory that a file takes: with the indexes by which its
	// lines are compared, and what waits to be collected, a million devices take 0.9 GB.
	maxDevices = 2_000_000
	// maxRecord bounds what is read of one line, in bytes. A quote without its end would
	// otherwise make one field of the rest of the file.
	maxRecord = 1 << 20
	// maxNamed is how many wrong lines an error names.
	maxNamed = 10
)

// errLongRecord is what the CSV reader gets where a line is longer than maxRecord.
var errLongRecord = apperr.Text("the line is longer than 1 MiB: a quote may lack its end")

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

// FileError refuses a file, of which nothing was stored.
type FileError struct {
	// Lines are the first of the wrong lines, each a LineError.
	Lines []error
	// More is how many other lines are wrong.
	More int
}

// Error names each of the Lines in a line of its own.
func (e *FileError) Error() string {
	message := errors.Join(e.Lines...).Error()
	if e.More > 0 {
		message += fmt.Sprintf("\nand %d more wrong lines", e.More)
	}
	return message + "\nnothing of the file is stored"
}

// Unwrap gives the Lines.
func (e *FileError) Unwrap() []error { return e.Lines }

// add notes a wrong line.
func (e *FileError) add(line int, reason string) {
	if len(e.Lines) == maxNamed {
		e.More++
		return
	}
	e.Lines = append(e.Lines, &LineError{line, reason})
}

// orNil is the error, nil where no line is wrong.
func (e *FileError) orNil() error {
	if len(e.Lines) == 0 {
		return nil
	}
	return e
}

// refuse is the error of a file with one wrong line.
func refuse(line int, reason string) error {
	return &FileError{Lines: []error{&LineError{line, reason}}}
}

// entry is one line of a file: a device.
type entry struct {
	line                              int
	projectID, hardwareID, firmwareID int32
	serialCode, mac                   string
	firmwareVersion                   string
	uniqueID                          string // empty where the file says nothing of it
}

// lines are those of a file, and where each serial code stands among them.
type lines struct {
	entries      []entry
	bySerialCode map[string]int32
}

// fileReader reads a file and checks each line.
type fileReader struct {
	csv     *csv.Reader
	record  *recordReader
	columns int
	line    int // that was read last
	read    lines
	// byMAC and byUniqueID say where a name stands among the entries.
	byMAC, byUniqueID map[string]int32
	wrong             FileError
}

// readFile reads a CSV file in UTF-8: the header, then a line for each device. Space
// around a field, empty lines and the line ends of Windows are accepted, because
// people edit these files in spreadsheets. All lines are read before any is compared with
// the database, so that a file that changes later cannot be stored by half. Errors:
// *FileError, those of the file and of ctx.
func readFile(ctx context.Context, file io.Reader, report func(lines int)) (lines, error) {
	r, err := newFileReader(file)
	if err != nil {
		return lines{}, err
	}
	for n := 0; ; n++ {
		if n%progressLines == 0 {
			if ctx.Err() != nil {
				return lines{}, ctx.Err()
			}
			report(n)
		}
		err := r.readLine()
		if errors.Is(err, io.EOF) {
			return r.read, r.wrong.orNil()
		}
		if err != nil {
			return lines{}, err
		}
	}
}

// newFileReader reads the header.
func newFileReader(file io.Reader) (*fileReader, error) {
	buffered := bufio.NewReader(file)
	if err := passMark(buffered); err != nil {
		return nil, err
	}
	record := &recordReader{file: buffered}
	r := &fileReader{
		csv: csv.NewReader(record), record: record,
		read:  lines{bySerialCode: map[string]int32{}},
		byMAC: map[string]int32{}, byUniqueID: map[string]int32{},
	}
	r.csv.FieldsPerRecord = -1 // parse counts them, to give its own error.
	r.csv.TrimLeadingSpace = true
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return nil, r.readError(err)
	}
	trimSpace(header)
	if n := len(header); n < len(fileColumns)-1 || n > len(fileColumns) || !slices.Equal(header, fileColumns[:n]) {
		return nil, refuse(1, "the header must be "+strings.Join(fileColumns, ",")+", where unique_id may be left out")
	}
	r.columns, r.line = len(header), 1
	return r, nil
}

// passMark passes over the mark with which Excel begins a file, as it comes before the
// first quote, where CSV allows nothing. It refuses what is no text in UTF-8 and says
// what it is.
func passMark(file *bufio.Reader) error {
	// An error of the file is met again by whoever reads on.
	begin, _ := file.Peek(16)
	switch {
	case bytes.HasPrefix(begin, []byte("\xef\xbb\xbf")):
		_, _ = file.Discard(3)
	case bytes.HasPrefix(begin, []byte("\x1f\x8b")):
		return refuse(1, "the file is compressed with gzip: unpack it first")
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")):
		return refuse(1, "the file is a workbook or a ZIP archive: save it as CSV, or unpack it first")
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")), bytes.IndexByte(begin, 0) >= 0:
		return refuse(1, "the file is not in UTF-8 but perhaps in UTF-16: save it as CSV in UTF-8")
	}
	return nil
}

// recordReader bounds how much is read for one record.
type recordReader struct {
	file io.Reader
	read int // bytes since the record began
}

// Read reads ahead of the record, as the CSV reader has a buffer.
func (r *recordReader) Read(p []byte) (int, error) {
	if r.read > maxRecord {
		return 0, errLongRecord
	}
	n, err := r.file.Read(p)
	r.read += n
	return n, err
}

// readLine reads the next line. A wrong one is noted, and reading goes on. After one
// where the CSV is broken nobody can tell where the next begins.
func (r *fileReader) readLine() error {
	r.record.read = 0
	fields, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return r.readError(err)
	}
	line, _ := r.csv.FieldPos(0)
	r.line = line
	if len(r.read.entries) == maxDevices {
		return refuse(line, fmt.Sprintf("the file has more than %d devices: split it", maxDevices))
	}
	e, reason := parse(line, fields, r.columns)
	if reason == "" {
		reason = r.index(&e)
	}
	if reason != "" {
		r.wrong.add(line, reason)
	}
	return nil
}

// readError refuses the file for what the CSV reader says of it. The file has ended only
// when its header is asked for: an empty file.
func (r *fileReader) readError(err error) error {
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		r.wrong.add(broken.Line, broken.Err.Error())
	case errors.Is(err, errLongRecord):
		r.wrong.add(r.line+1, err.Error())
	case errors.Is(err, io.EOF):
		r.wrong.add(1, "the file is empty")
	default:
		return fmt.Errorf("read the catalogue: %w", err)
	}
	return &r.wrong
}

func trimSpace(fields []string) {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
}

// parse makes an entry of a line, or gives the reason why it can't.
func parse(line int, fields []string, columns int) (e entry, reason string) {
	if len(fields) != columns {
		return e, fmt.Sprintf("%d fields instead of %d", len(fields), columns)
	}
	trimSpace(fields)
	e = entry{line: line, serialCode: fields[0], mac: normalizeMAC(fields[1]), firmwareVersion: fields[5]}
	for i, number := range []*int32{&e.projectID, &e.hardwareID, &e.firmwareID} {
		n, err := strconv.ParseInt(fields[2+i], 10, 32)
		if err != nil || n < 0 {
			return e, fileColumns[2+i] + " is not a number of 0 or more"
		}
		*number = int32(n)
	}
	if columns == len(fileColumns) {
		e.uniqueID = fields[6]
	}
	return e, e.check()
}

// check gives the reason why the entry is wrong.
func (e *entry) check() (reason string) {
	switch {
	case !text.SerialCode(e.serialCode):
		return "serial_code is not 4 to 32 letters and digits"
	case !macPattern.MatchString(e.mac):
		return "mac is not a MAC as 00:80:E1:27:4C:84"
	case e.firmwareVersion == "" || !text.Clean(e.firmwareVersion, 32):
		return "firmware_version is not 1 to 32 characters of UTF-8 without control characters"
	case e.uniqueID != "" && !text.UniqueID(e.uniqueID):
		return "unique_id is not at most 255 characters of UTF-8 without control characters"
	}
	return ""
}

// index adds the entry, unless it names the device of an earlier line.
func (r *fileReader) index(e *entry) (reason string) {
	names := []struct {
		column, name string
		index        map[string]int32
	}{
		{"serial_code", e.serialCode, r.read.bySerialCode}, {"mac", e.mac, r.byMAC}, {"unique_id", e.uniqueID, r.byUniqueID},
	}
	for _, n := range names {
		if earlier, found := n.index[n.name]; found {
			return fmt.Sprintf("%s %s stands in line %d already", n.column, n.name, r.read.entries[earlier].line)
		}
	}
	for _, n := range names {
		if n.name != "" {
			n.index[n.name] = int32(len(r.read.entries)) //nolint:gosec // at most maxDevices
		}
	}
	r.read.entries = append(r.read.entries, *e)
	return ""
}

// normalizeMAC spells a MAC in capitals, as apps send it. A factory's own id
// stays as it is.
func normalizeMAC(mac string) string {
	if strings.Contains(mac, ":") {
		return strings.ToUpper(mac)
	}
	return mac
}

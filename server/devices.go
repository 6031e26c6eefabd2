package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"luxbff/internal/catalogue"
	"luxbff/server/app"
)

type devicesCommand struct {
	Import importCommand `cmd:"" help:"Load a catalogue, also while it is served; repeated import updates. A wrong line refuses the whole file; one whose unique_id another family's device has is stored without it and reported. The lines are written in steps: after an interruption what was written stays, so run it again."`
}

type importCommand struct {
	File string `arg:"" help:"CSV with the header serial_code,mac,project_id,hardware_id,firmware_id,firmware_version and, if wanted, unique_id. - reads the standard input."`
}

// Run loads the catalogue and prints how many devices changed. What the operator should
// look into goes to the standard error, and is no failure: the file is loaded.
func (c importCommand) Run(ctx context.Context, cfg app.Config) error {
	done, err := c.load(ctx, cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	fmt.Printf("%d devices added, %d updated, %d unchanged\n", done.Added, done.Updated, done.Unchanged)
	for _, conflict := range done.Conflicts {
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.File, &conflict)
	}
	return nil
}

func (c importCommand) load(ctx context.Context, cfg app.Config) (done catalogue.Imported, err error) {
	file, err := openCatalogueFile(c.File)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	progress := newProgress(os.Stderr)
	importer, closeStore, err := app.OpenCatalogue(ctx, cfg, progress.show)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	done, err = importer.Import(ctx, interruptible(ctx, file))
	progress.clear()
	if stopped, refused := new(catalogue.StoppedError), new(catalogue.FileError); err != nil && !errors.As(err, &stopped) && !errors.As(err, &refused) {
		err = fmt.Errorf("nothing of the file is stored: %w", err)
	}
	return done, err
}

// catalogueFile is a file that must not change while it is read: its last line could be
// half of one.
type catalogueFile struct {
	file   *os.File
	before os.FileInfo
}

func openCatalogueFile(name string) (*catalogueFile, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil { //nolint:gosec // the operator names it
			return nil, err
		}
	}
	before, err := file.Stat()
	if err == nil && before.IsDir() {
		err = errors.New("it is a folder: name a file")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &catalogueFile{file, before}, nil
}

// Read gives an error in the place of the end if the file has changed meanwhile.
func (f *catalogueFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	if !errors.Is(err, io.EOF) || !f.before.Mode().IsRegular() {
		return n, err
	}
	if after, err := f.file.Stat(); err != nil || after.Size() != f.before.Size() || !after.ModTime().Equal(f.before.ModTime()) {
		return n, errors.New("the file has changed while it was read: import it once it is complete")
	}
	return n, err
}

// Close closes the file.
func (f *catalogueFile) Close() error { return f.file.Close() }

// interruptible reads the file until ctx ends. A read of a pipe or terminal cannot be
// interrupted, so the goroutine that waits in one is left behind.
func interruptible(ctx context.Context, file io.Reader) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		_, err := io.Copy(writer, file)
		_ = writer.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return reader
}

// Progress is shown in place on a terminal, and otherwise logged.
const (
	showEvery = 100 * time.Millisecond
	logEvery  = 10 * time.Second
)

// progress shows on the standard error how far an import has come.
type progress struct {
	to         *os.File
	isTerminal bool
	last       time.Time
}

func newProgress(to *os.File) *progress {
	return &progress{to: to, isTerminal: isatty.IsTerminal(to.Fd()), last: time.Now()}
}

// show shows the progress unless it did so a moment ago.
func (p *progress) show(now catalogue.Progress) {
	every := logEvery
	if p.isTerminal {
		every = showEvery
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	switch {
	case !p.isTerminal:
		slog.Info("devices import", "phase", string(now.Phase), "lines", now.Lines, "of", now.Of)
	case now.Of == 0:
		p.replace(fmt.Sprintf("%s: %d lines", now.Phase, now.Lines))
	default:
		p.replace(fmt.Sprintf("%s: %d of %d lines", now.Phase, now.Lines, now.Of))
	}
}

// clear takes the line of a terminal away.
func (p *progress) clear() {
	if p.isTerminal {
		p.replace("")
	}
}

func (p *progress) replace(line string) { _, _ = fmt.Fprint(p.to, "\r\x1b[K"+line) }

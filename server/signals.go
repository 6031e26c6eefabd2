package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"luxbff/server/app"
)

// statusOfSignal is what a shell adds to the number of a signal that has ended a process.
const statusOfSignal = 128

// stopOnSignal gives a context that ends with the first signal that asks the program to
// stop. The second ends the process at once: whoever asks again doesn't want to wait for
// what is left, and nothing that was acknowledged is lost, as after a loss of power.
func stopOnSignal(ctx context.Context, stopping ...os.Signal) (stopped context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	received := make(chan os.Signal, 2)
	signal.Notify(received, stopping...)
	go func() {
		<-received
		cancel()
		second := <-received
		slog.Error("ended at once by a second signal", "signal", second.String())
		os.Exit(exitStatus(second))
	}()
	return ctx, func() {
		signal.Stop(received)
		cancel()
	}
}

func exitStatus(ended os.Signal) int {
	if number, ok := ended.(syscall.Signal); ok {
		return statusOfSignal + int(number)
	}
	return 1
}

// stopSignals end a command in order. So does a terminal that is closed, unless the command
// was started by nohup; a server isn't ended by that.
func stopSignals(isServer bool) []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !isServer && !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// serveOnSignal keeps a server running at signals that end a process unless it says
// otherwise: those by which other programs reload their settings or reopen their log, and
// the one for a log that nobody reads any more. Those that ask to reload wait in the channel.
func serveOnSignal() (reload <-chan os.Signal) {
	signal.Ignore(syscall.SIGPIPE)
	received := make(chan os.Signal, 1)
	signal.Notify(received, signalsToServeOn()...)
	return received
}

// reloadable is a part of the settings that is read again while the program runs.
type reloadable struct {
	what   string
	reload func(context.Context) error
}

// reloadOnSignal reads the parts again at each SIGHUP, until ctx ends. Nothing else is
// reloaded.
func reloadOnSignal(ctx context.Context, received <-chan os.Signal, parts []reloadable) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-received:
			if one != syscall.SIGHUP || len(parts) == 0 {
				slog.Warn("nothing is reloaded: settings and keys are read at the start, so restart the program to change them", "signal", one.String())
				continue
			}
			for _, part := range parts {
				if err := part.reload(ctx); err != nil {
					slog.Error(part.what+" stay as they were", "error", err)
				}
			}
		}
	}
}

// reloadables are what the settings name.
func reloadables(cfg app.Config, running *app.App) (parts []reloadable) {
	if cfg.Documents != "" {
		parts = append(parts, reloadable{"the documents of the apps", running.ReloadDocuments})
	}
	if cfg.Sunsets != "" {
		parts = append(parts, reloadable{"the ends of routes", running.ReloadSunsets})
	}
	return parts
}

// interrupted adds to the error of a command that it was stopped, where ctx says so.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("interrupted: %w", err)
}

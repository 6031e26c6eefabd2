package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
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

// reloadOnSignal reads the documents of the apps again at each SIGHUP, until ctx ends.
// Nothing else is reloaded.
func reloadOnSignal(ctx context.Context, received <-chan os.Signal, reload func(context.Context) error, reloads bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-received:
			if one != syscall.SIGHUP || !reloads {
				slog.Warn("nothing is reloaded: settings and keys are read at the start, so restart the program to change them", "signal", one.String())
				continue
			}
			if err := reload(ctx); err != nil {
				slog.Error("the documents of the apps stay as they were", "error", err)
			}
		}
	}
}

// interrupted adds to the error of a command that it was stopped, where ctx says so.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("interrupted: %w", err)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message/operator"
	"luxbff/server/app"
)

// messagesCommand is the operator's view of the outbox. Addresses are masked, and no secret
// is shown: operators send what they see to others.
type messagesCommand struct {
	List      listMessagesCommand `cmd:"" help:"Show messages, the newest first."`
	Show      showMessageCommand  `cmd:"" help:"Show all that is known of one."`
	Retry     retryCommand        `cmd:"" help:"Send messages again that were given up or have expired."`
	Providers providersCommand    `cmd:"" help:"Show where the messages of each channel go, how many wait, and what became of those of the last day."`
}

type listMessagesCommand struct {
	State   string `enum:",pending,sent,delivered,dead,expired" default:"" help:"pending, sent, delivered, dead or expired; empty: all."`
	Channel string `enum:",push,sms,alimtalk,email" default:"" help:"push, sms, alimtalk or email; empty: all."`
	Limit   int    `default:"50" help:"How many at most."`
}

// Run prints a line a message.
func (c listMessagesCommand) Run(ctx context.Context, cfg app.Config) error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return withMessages(ctx, cfg, func(messages *operator.Service) error {
		listed, err := messages.List(ctx, operator.Filter{
			State: entmessage.State(c.State), Channel: entmessage.Channel(c.Channel), Limit: c.Limit,
		})
		if err != nil {
			return err
		}
		table := newTable("ID", "CREATED", "CHANNEL", "PURPOSE", "TO", "STATE", "TRIES", "PROVIDER", "ERROR")
		for _, m := range listed {
			table.row(m.ID, m.CreatedAt.UTC().Format(time.DateTime), m.Channel, purpose(m), m.Recipient, m.State, m.Attempts, orDash(m.Provider), orDash(m.LastError))
		}
		return table.print()
	})
}

type showMessageCommand struct {
	ID int `arg:"" help:"Id of the message, as list shows it."`
}

// Run prints a line for each thing that is known.
func (c showMessageCommand) Run(ctx context.Context, cfg app.Config) error {
	return withMessages(ctx, cfg, func(messages *operator.Service) error {
		m, err := messages.Show(ctx, c.ID)
		if err != nil {
			return err
		}
		text := orDash(m.Text)
		if m.IsSecret {
			text = "not shown: it holds a code or a link"
		}
		table := newTable("ID", fmt.Sprint(m.ID))
		table.row("channel", m.Channel)
		table.row("purpose", purpose(m))
		table.row("to", m.Recipient)
		table.row("text", strings.ReplaceAll(text, "\n", " "))
		table.row("state", m.State)
		table.row("tries", m.Attempts)
		table.row("error", orDash(m.LastError))
		table.row("provider", orDash(m.Provider))
		table.row("its id there", orDash(m.ProviderID))
		table.row("created", moment(&m.CreatedAt))
		table.row("due", moment(&m.DueAt))
		table.row("expires", moment(m.ExpiresAt))
		table.row("sent", moment(m.SentAt))
		table.row("delivered", moment(m.Arrived))
		table.row("checks", m.Checks)
		table.row("next check", moment(m.CheckAt))
		return table.print()
	})
}

type retryCommand struct {
	IDs []int `arg:"" name:"id" help:"Ids of messages, as list shows them."`
}

// Run says what becomes of each message. One that can't be sent again keeps no other from
// it, and makes the command fail.
func (c retryCommand) Run(ctx context.Context, cfg app.Config) error {
	return withMessages(ctx, cfg, func(messages *operator.Service) error {
		var refused []error
		for _, id := range c.IDs {
			if err := messages.Retry(ctx, id); err != nil {
				refused = append(refused, err)
				continue
			}
			fmt.Printf("message %d is due: a running server sends it within seconds\n", id)
		}
		return errors.Join(refused...)
	})
}

type providersCommand struct{}

// Run prints a line a channel.
func (providersCommand) Run(ctx context.Context, cfg app.Config) error {
	providers, err := cfg.MessageProviders()
	if err != nil {
		return err
	}
	return withMessages(ctx, cfg, func(messages *operator.Service) error {
		counts, err := messages.Counts(ctx)
		if err != nil {
			return err
		}
		type key struct {
			channel entmessage.Channel
			state   entmessage.State
		}
		of := map[key]int{}
		for _, count := range counts {
			of[key{count.Channel, count.State}] = count.Count
		}
		table := newTable("CHANNEL", "WAITING", "SENT", "DELIVERED", "DEAD", "EXPIRED", "GOES TO")
		for _, channel := range app.Channels() {
			table.row(channel, of[key{channel, entmessage.StatePending}], of[key{channel, entmessage.StateSent}], of[key{channel, entmessage.StateDelivered}],
				of[key{channel, entmessage.StateDead}], of[key{channel, entmessage.StateExpired}], providers[channel])
		}
		return table.print()
	})
}

func withMessages(ctx context.Context, cfg app.Config, use func(messages *operator.Service) error) error {
	messages, closeStore, err := app.OpenMessages(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(use(messages), closeStore())
}

func purpose(m operator.Message) string {
	if m.Purpose == nil {
		return "-"
	}
	return m.Purpose.String()
}

func orDash(text string) string { return cmp.Or(text, "-") }

func moment(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// table is printed to the standard output in columns.
type table struct{ *tabwriter.Writer }

func newTable(head ...any) table {
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

// row adds a row. What goes wrong is given by print.
func (t table) row(cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			_, _ = fmt.Fprint(t, "\t")
		}
		_, _ = fmt.Fprint(t, cell)
	}
	_, _ = fmt.Fprintln(t)
}

func (t table) print() error { return t.Flush() }

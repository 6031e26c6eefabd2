package app_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	entschema "entgo.io/ent/dialect/sql/schema"
	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/migrate"
	"luxbff/graph"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
)

// storeMessage stores a message to a phone of the account, which no worker sends: it is due
// in an hour. Change makes it another.
func storeMessage(t *testing.T, s *apptest.Server, rootUserID int, change func(*ent.MessageCreate)) (id int) {
	t.Helper()
	now := s.Clock.Now()
	err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		create := tx.Message.Create().SetRootUserID(rootUserID).SetChannel(entmessage.ChannelSms).SetPurpose(entmessage.PurposePhoneCode).
			SetTo("+821012345678").SetText("hidden").SetCreatedAt(now).SetDueAt(now.Add(time.Hour))
		if change != nil {
			change(create)
		}
		row, err := create.Save(ctx)
		if err == nil {
			id = row.ID
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// shownMessages is a page of messages as the API shows it.
type shownMessages struct {
	Edges []struct {
		Cursor string
		Node   map[string]any
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
}

func (m shownMessages) ids() (ids []string) {
	for _, edge := range m.Edges {
		ids = append(ids, fmt.Sprint(edge.Node["id"]))
	}
	return ids
}

// messagesOf asks for a page of the account's messages.
func messagesOf(t *testing.T, s *apptest.Server, token, arguments string) shownMessages {
	t.Helper()
	var data struct {
		Me struct{ Messages shownMessages }
	}
	s.Data(t, token, `{ me { messages`+arguments+` { edges { cursor node { id channel purpose recipient status attempts createdAt sentAt deliveredAt reason } } `+
		`pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, nil, &data)
	return data.Me.Messages
}

// TestMessagesAreSeenByTheirAccount: each state of a message is shown as what it means, and
// neither what it says nor whom it reaches.
func TestMessagesAreSeenByTheirAccount(t *testing.T) {
	t.Parallel()
	s := apptest.StartAt(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	token, id := s.Parent(t)
	stranger, strangerID := s.Parent(t)
	storeMessage(t, s, strangerID, nil)
	if before := messagesOf(t, s, token, ""); len(before.Edges) != 0 || before.PageInfo.StartCursor != nil {
		t.Fatalf("the code before the sign-up is shown: %+v", before)
	}
	sent := s.Clock.Now().Add(time.Second)
	const at, later, then = "2026-03-04T12:00:00.000Z", "2026-03-04T12:00:01.000Z", "2026-03-04T12:00:02.000Z"
	for _, c := range []struct {
		change func(*ent.MessageCreate)
		want   map[string]any
	}{
		{
			nil,
			map[string]any{"channel": "SMS", "purpose": "PHONE_CODE", "recipient": "+8210****5678", "status": "QUEUED", "attempts": 0.0},
		},
		{
			func(m *ent.MessageCreate) { m.SetAttempts(2).SetLastError("solapi: status 503, error x") },
			map[string]any{"channel": "SMS", "purpose": "PHONE_CODE", "recipient": "+8210****5678", "status": "QUEUED", "attempts": 2.0, "reason": "PROVIDER_UNAVAILABLE"},
		},
		{
			func(m *ent.MessageCreate) {
				m.SetChannel(entmessage.ChannelEmail).SetTo("parent@example.com").SetPurpose(entmessage.PurposePasswordReset).
					SetState(entmessage.StateSent).SetAttempts(1).SetSentAt(sent)
			},
			map[string]any{"channel": "EMAIL", "purpose": "PASSWORD_RESET", "recipient": "p***@example.com", "status": "SENT", "attempts": 1.0, "sentAt": later},
		},
		{
			func(m *ent.MessageCreate) {
				m.SetChannel(entmessage.ChannelAlimtalk).SetPurpose(entmessage.PurposeImpedanceAlert).
					SetState(entmessage.StateDelivered).SetAttempts(1).SetSentAt(sent).SetDeliveredAt(sent.Add(time.Second))
			},
			map[string]any{
				"channel": "ALIMTALK", "purpose": "IMPEDANCE_ALERT", "recipient": "+8210****5678", "status": "DELIVERED", "attempts": 1.0,
				"sentAt": later, "deliveredAt": then,
			},
		},
		{
			func(m *ent.MessageCreate) {
				m.SetChannel(entmessage.ChannelPush).SetTo("abcdefghijklmnopqrstuvwxyz012345").SetPurpose(entmessage.PurposeFaultyContacts).
					SetState(entmessage.StateDead).SetAttempts(1).SetLastError("fcm: UNREGISTERED")
			},
			map[string]any{"channel": "PUSH", "purpose": "FAULTY_CONTACTS", "recipient": "abcdef…", "status": "FAILED", "attempts": 1.0, "reason": "REFUSED"},
		},
		{
			func(m *ent.MessageCreate) {
				m.SetState(entmessage.StateDead).SetAttempts(1).SetSentAt(sent).SetLastError("solapi: 3059")
			},
			map[string]any{
				"channel": "SMS", "purpose": "PHONE_CODE", "recipient": "+8210****5678", "status": "FAILED", "attempts": 1.0, "sentAt": later, "reason": "NOT_DELIVERED",
			},
		},
		{
			func(m *ent.MessageCreate) {
				m.SetState(entmessage.StateDead).SetAttempts(10).SetLastError("solapi: status 503")
			},
			map[string]any{"channel": "SMS", "purpose": "PHONE_CODE", "recipient": "+8210****5678", "status": "FAILED", "attempts": 10.0, "reason": "PROVIDER_UNAVAILABLE"},
		},
		{
			func(m *ent.MessageCreate) { m.SetState(entmessage.StateExpired).SetAttempts(3) },
			map[string]any{"channel": "SMS", "purpose": "PHONE_CODE", "recipient": "+8210****5678", "status": "EXPIRED", "attempts": 3.0, "reason": "TOO_LATE"},
		},
	} {
		for _, name := range []string{"sentAt", "deliveredAt", "reason"} {
			if _, isSet := c.want[name]; !isSet {
				c.want[name] = nil
			}
		}
		c.want["id"], c.want["createdAt"] = fmt.Sprint(storeMessage(t, s, id, c.change)), at
		if diff := cmp.Diff(c.want, messagesOf(t, s, token, "(first: 1)").Edges[0].Node); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if mine, hers := messagesOf(t, s, token, ""), messagesOf(t, s, stranger, ""); len(mine.Edges) != 8 || len(hers.Edges) != 1 {
		t.Errorf("%d are shown to one and %d to another", len(mine.Edges), len(hers.Edges))
	}
}

// TestMessagesAreReadInPages: newest first, each once, and what is on either side is said.
func TestMessagesAreReadInPages(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, id := s.Parent(t)
	_, other := s.Parent(t)
	var ids []string
	for range 5 {
		ids = append(ids, fmt.Sprint(storeMessage(t, s, id, nil)))
		storeMessage(t, s, other, nil)
	}
	slices.Reverse(ids)
	first := messagesOf(t, s, token, "(first: 2)")
	second := messagesOf(t, s, token, `(first: 2, after: "`+first.Edges[1].Cursor+`")`)
	third := messagesOf(t, s, token, `(first: 2, after: "`+second.Edges[1].Cursor+`")`)
	if diff := cmp.Diff(ids, slices.Concat(first.ids(), second.ids(), third.ids())); diff != "" {
		t.Errorf("the pages hold (-want +got):\n%s", diff)
	}
	var sides []bool
	for _, page := range []shownMessages{first, second, third, messagesOf(t, s, token, `(first: 0)`)} {
		sides = append(sides, page.PageInfo.HasPreviousPage, page.PageInfo.HasNextPage)
	}
	if diff := cmp.Diff([]bool{false, true, true, true, true, false, false, true}, sides); diff != "" {
		t.Errorf("what is before and behind the pages (-want +got):\n%s", diff)
	}
	if *second.PageInfo.StartCursor != second.Edges[0].Cursor || *second.PageInfo.EndCursor != second.Edges[1].Cursor {
		t.Errorf("the page is said to be from %q to %q", *second.PageInfo.StartCursor, *second.PageInfo.EndCursor)
	}
	// The message that a cursor names may be pruned while somebody reads.
	paged, err := strconv.Atoi(second.ids()[1])
	if err != nil {
		t.Fatal(err)
	}
	err = s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Message.Delete().Where(entmessage.RootUserID(id), entmessage.IDLTE(paged)).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if gone := messagesOf(t, s, token, `(after: "`+second.Edges[1].Cursor+`")`); len(gone.Edges) != 0 || !gone.PageInfo.HasPreviousPage {
		t.Errorf("behind a message that is gone it shows %+v", gone)
	}
	for arguments, want := range map[string]string{
		"(first: -1)":            "INVALID_REQUEST_OR_MISSING_PARAMETERS first",
		"(first: 101)":           "INVALID_REQUEST_OR_MISSING_PARAMETERS first",
		`(after: "bWVzc2FnZQ")`:  "CURSOR_NOT_VALID after",
		`(after: "ZGV2bG9nOjE")`: "CURSOR_NOT_VALID after", // a cursor of logs
	} {
		reply := s.GraphQL(t, token, `{ me { messages`+arguments+` { edges { cursor } } } }`, nil)
		if len(reply.Errors) != 1 || reply.Errors[0].Extensions.Code+" "+reply.Errors[0].Extensions.Field != want {
			t.Errorf("%s gives %+v", arguments, reply.Errors)
		}
	}
}

// TestMessagesTakeOneStatement: for any number of them, on however many paths.
func TestMessagesTakeOneStatement(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, id := s.Parent(t)
	without, _ := s.CountStatements(t, token, `{ me { id } }`, nil)
	const messages = `messages(first: 100) { edges { node { id reason } } pageInfo { hasNextPage hasPreviousPage } }`
	for _, n := range []int{1, 30} {
		for range n {
			storeMessage(t, s, id, nil)
		}
		got, reply := s.CountStatements(t, token, `{ me { `+messages+` again: `+messages+` } me2: me { `+messages+` } }`, nil)
		if got != without+1 || len(reply.Errors) > 0 {
			t.Errorf("%d statements, %d without the messages; errors %+v", got, without, reply.Errors)
		}
	}
}

// TestWhatMessagesShowIsInTheSchema: what the storage knows has a name in the schema.
func TestWhatMessagesShowIsInTheSchema(t *testing.T) {
	t.Parallel()
	schema := graph.Schema(nil).Schema()
	for column, enum := range map[string]string{entmessage.FieldChannel: "MessageChannel", entmessage.FieldPurpose: "MessagePurpose"} {
		i := slices.IndexFunc(migrate.MessagesColumns, func(c *entschema.Column) bool { return c.Name == column })
		var stored, shown []string
		for _, value := range migrate.MessagesColumns[i].Enums {
			stored = append(stored, strings.ToUpper(value))
		}
		for _, value := range schema.Types[enum].EnumValues {
			shown = append(shown, value.Name)
		}
		slices.Sort(stored)
		slices.Sort(shown)
		if diff := cmp.Diff(stored, shown); diff != "" {
			t.Errorf("%s (-stored +shown):\n%s", enum, diff)
		}
	}
}

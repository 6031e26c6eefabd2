package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// MaxPushDevices is how many phones an account is notified on. A family has a few; the
// rest are those of apps that were removed, which nobody takes out.
const MaxPushDevices = 32

// refreshAfter is how old a phone's row gets before the app that adds it again writes it
// only to show that it is used.
const refreshAfter = 24 * time.Hour

// Push keeps where an account gets push messages: on LUX and Addnox one push
// token, on SNUTT any number of phones.
type Push struct {
	store *store.Store
	now   func() time.Time
}

// isPushToken reports whether token is 32 to 4096 printable ASCII characters
// without spaces (rule 7 of the contract).
func isPushToken(token string) bool {
	return len(token) >= 32 && len(token) <= 4096 && !strings.ContainsFunc(token, isNotGraphic)
}

// isRegistrationID reports whether id can name a phone at a push service. The
// limit keeps it short enough for PostgreSQL to hold it unique: a row of an index
// takes 2704 bytes.
func isRegistrationID(id string) bool {
	return id != "" && len(id) <= 2048 && !strings.ContainsFunc(id, isNotGraphic)
}

func isNotGraphic(r rune) bool { return !text.IsGraphicASCII(r) }

// SetPushTokenParams are the token that FCM gave the app.
type SetPushTokenParams struct{ Token string }

// SetToken stores where the viewer gets push messages. Errors:
// PushPermissionDenied without consent, PushTokenUpdateFailed.
func (p *Push) SetToken(ctx context.Context, v viewer.Viewer, params SetPushTokenParams) error {
	return p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if isPushToken(params.Token) {
			if err := lockPhone(ctx, tx, v.RootUserID(), params.Token); err != nil {
				return err
			}
		}
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		policy, err := findConsent(ctx, tx, u.ID)
		switch {
		case apperr.Is(err, apperr.UserPolicyNotFound), err == nil && !policy.IsPushAgree:
			return apperr.PushPermissionDenied.New()
		case err != nil:
			return err
		case !isPushToken(params.Token):
			return apperr.PushTokenUpdateFailed.WithField("input.token")
		}
		return storePushToken(ctx, tx, u, params.Token, p.now())
	})
}

// storePushToken makes the phone the account's. The caller has called lockPhone.
func storePushToken(ctx context.Context, tx *store.Tx, u *ent.User, token string, now time.Time) error {
	if err := takePhone(ctx, tx, u.ID, token); err != nil {
		return err
	}
	err := tx.User.UpdateOne(u).SetPushToken(token).SetPushTokenSetAt(now.Truncate(24 * time.Hour)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a push token: %w", err)
	}
	return nil
}

// lockPhone must come before the account is locked that takes a phone, which its push
// token or its registration id names. Others that take the same phone wait, and the
// accounts that have it are locked together with the one that takes it: two accounts that
// take each other's phone would else each wait for the other.
func lockPhone(ctx context.Context, tx *store.Tx, rootUserID int, phone string) error {
	if err := tx.LockText(ctx, phone); err != nil {
		return fmt.Errorf("lock a phone: %w", err)
	}
	holders, err := tx.User.Query().Where(user.PushToken(phone)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("find the holders of a phone: %w", err)
	}
	if err := tx.Lock(ctx, user.Table, append(holders, rootUserID)...); err != nil {
		return fmt.Errorf("lock the holders of a phone: %w", err)
	}
	return nil
}

// takePhone takes the phone from every other account, so that a phone which changes hands
// gets no messages of its former owner. The same text may be a push token of one account
// and a registration id of another: it names one phone.
func takePhone(ctx context.Context, tx *store.Tx, rootUserID int, phone string) error {
	err := tx.User.Update().Where(user.PushToken(phone), user.IDNEQ(rootUserID)).ClearPushToken().ClearPushTokenSetAt().Exec(ctx)
	if err != nil {
		return fmt.Errorf("take over a push token: %w", err)
	}
	_, err = tx.PushDevice.Delete().
		Where(pushdevice.RegistrationID(phone), pushdevice.RootUserIDNEQ(rootUserID)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take over a push device: %w", err)
	}
	return nil
}

// Devices are the phones on which the account is notified, oldest first.
func (p *Push) Devices(ctx context.Context, u *ent.User) ([]*ent.PushDevice, error) {
	found, err := p.store.Read().PushDevice.Query().
		Where(pushdevice.RootUserID(u.ID)).
		Order(ent.Asc(pushdevice.FieldID)).
		All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read push devices: %w", err)
	}
	return found, nil
}

// PushDeviceParams name a phone by the id that its push service gave it.
type PushDeviceParams struct{ RegistrationID string }

// AddDevice has the viewer notified on a phone. A phone belongs to the account
// that added it last; adding it again changes nothing. Of more than [MaxPushDevices] the
// one goes that was not added for the longest time: apps add theirs at each start, so
// the phone in the hand is never refused. The phone comes with its account as it is
// then. Errors: BadRequest.
func (p *Push) AddDevice(ctx context.Context, v viewer.Viewer, params PushDeviceParams) (added *ent.PushDevice, err error) {
	if !isRegistrationID(params.RegistrationID) {
		return nil, apperr.BadRequest.WithField("input.registrationId")
	}
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockPhone(ctx, tx, v.RootUserID(), params.RegistrationID); err != nil {
			return err
		}
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if added, err = p.claimDevice(ctx, tx, u.ID, params.RegistrationID); err != nil {
			return err
		}
		added.Edges.RootUser = u
		return nil
	})
	return added, err
}

// claimDevice makes the phone the account's. The caller has called lockPhone.
func (p *Push) claimDevice(
	ctx context.Context, tx *store.Tx, rootUserID int, registrationID string,
) (*ent.PushDevice, error) {
	if err := takePhone(ctx, tx, rootUserID, registrationID); err != nil {
		return nil, err
	}
	known, err := tx.PushDevice.Query().Where(pushdevice.RegistrationID(registrationID)).First(ctx)
	switch {
	case err == nil && p.now().Sub(lastAdded(known)) < refreshAfter:
		return known, nil
	case err == nil:
		return known, tx.PushDevice.UpdateOne(known).SetAddedAt(p.now()).Exec(ctx)
	case !ent.IsNotFound(err):
		return nil, fmt.Errorf("find a push device: %w", err)
	}
	if err := makeRoom(ctx, tx, rootUserID); err != nil {
		return nil, err
	}
	added, err := tx.PushDevice.Create().
		SetRootUserID(rootUserID).
		SetRegistrationID(registrationID).
		SetCreatedAt(p.now()).
		SetAddedAt(p.now()).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store a push device: %w", err)
	}
	return added, nil
}

// makeRoom removes the phones that leave no place for one more. The caller has locked
// the account.
func makeRoom(ctx context.Context, tx *store.Tx, rootUserID int) error {
	owned, err := tx.PushDevice.Query().
		Where(pushdevice.RootUserID(rootUserID)).
		Select(pushdevice.FieldID, pushdevice.FieldCreatedAt, pushdevice.FieldAddedAt).
		All(ctx)
	if err != nil {
		return fmt.Errorf("read the push devices: %w", err)
	}
	excess := len(owned) - MaxPushDevices + 1
	if excess <= 0 {
		return nil
	}
	slices.SortFunc(owned, func(a, b *ent.PushDevice) int {
		return cmp.Or(lastAdded(a).Compare(lastAdded(b)), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]int, excess)
	for i, oldest := range owned[:excess] {
		ids[i] = oldest.ID
	}
	if _, err := tx.PushDevice.Delete().Where(pushdevice.IDIn(ids...)).Exec(ctx); err != nil {
		return fmt.Errorf("remove the oldest push devices: %w", err)
	}
	return nil
}

func lastAdded(d *ent.PushDevice) time.Time {
	if d.AddedAt != nil {
		return *d.AddedAt
	}
	return d.CreatedAt
}

// RemoveDevice stops notifying an account on a phone; one that isn't there is
// gone already. It takes the account's id rather than a viewer, because SNUTT's
// sign-out names its account instead of showing a token: whoever knows the
// registration id has the phone.
func (p *Push) RemoveDevice(ctx context.Context, rootUserID int, params PushDeviceParams) error {
	return p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return removeDevice(ctx, tx, rootUserID, params)
	})
}

// RemoveOwnDevice is [Push.RemoveDevice] for the viewer's account, which it gives as it
// is then.
func (p *Push) RemoveOwnDevice(ctx context.Context, v viewer.Viewer, params PushDeviceParams) (u *ent.User, err error) {
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if u, err = auth.LockUser(ctx, tx, v.RootUserID()); err != nil {
			return err
		}
		return removeDevice(ctx, tx, u.ID, params)
	})
	return u, err
}

func removeDevice(ctx context.Context, tx *store.Tx, rootUserID int, params PushDeviceParams) error {
	if !isRegistrationID(params.RegistrationID) {
		return nil // none that could have been added
	}
	_, err := tx.PushDevice.Delete().
		Where(pushdevice.RootUserID(rootUserID), pushdevice.RegistrationID(params.RegistrationID)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove a push device: %w", err)
	}
	return nil
}

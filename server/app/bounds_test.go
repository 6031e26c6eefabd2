package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/account"
	"luxbff/internal/child"
	"luxbff/internal/testutil/apptest"
)

// TestFiftyFirstChildIsRefused asks for one child too many on each surface. Its device
// stays free.
func TestFiftyFirstChildIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for range child.MaxChildren {
		s.CreateChild(t, token)
	}
	s.AddDevices(t, "SL99990000,00:80:E1:99:00:00")
	response := s.GraphQL(t, token, `mutation { createChildUser(input: {
		firstName: "test", lastName: "", birthdate: "1997-01-01", gender: FEMALE,
		serialCode: "SL99990000", macId: "00:80:E1:99:00:00"}) { childUser { id } } }`, nil)
	if response.Code() != "REAL_USER_CREATE_FAILED" {
		t.Errorf("GraphQL: %+v", response)
	} else if got := response.Errors[0].Extensions.Reason; got != "An account has at most 50 children." {
		t.Errorf("GraphQL gives the reason %q", got)
	}
	for path, mac := range map[string]string{"/api/v1/lux": "0000", "/api/v1/addnox": "00:80:E1:99:00:00", "/api/v1/withnox": "00:80:E1:99:00:00"} {
		got := s.Call(t, http.MethodPost, path+"/user/create-real-user", token,
			`{"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F", `+
				`"serial_code": "SL99990000", "mac_id": "`+mac+`", "unique_id": "unique-of-the-last"}`)
		if got.Status != http.StatusConflict || strings.TrimSpace(string(got.Body)) != `{"detail":"Real user create failed"}` {
			t.Errorf("%s: got %d %s", path, got.Status, got.Body)
		}
	}
	if n := len(s.Rows(t, "child_users", apptest.Columns{})); n != child.MaxChildren {
		t.Errorf("%d children are stored", n)
	}
}

// TestNewestPhoneIsNeverRefused adds phones over both surfaces beyond the bound: the
// account is notified on those that were added last.
func TestNewestPhoneIsNeverRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for i := range account.MaxPushDevices + 2 {
		if i%2 == 0 {
			s.Data(t, token, fmt.Sprintf(`mutation { addPushDevice(input: {registrationId: "phone-%d"}) { user { id } } }`, i), nil, &struct{}{})
			continue
		}
		if got := s.Call(t, http.MethodPost, fmt.Sprint("/v1/user/device/phone-", i), token, ""); got.Status != http.StatusOK {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
	}
	var shown struct {
		Me struct {
			PushDevices []struct{ RegistrationID string }
		}
	}
	s.Data(t, token, `{ me { pushDevices { registrationId } } }`, nil, &shown)
	got := shown.Me.PushDevices
	if len(got) != account.MaxPushDevices || got[0].RegistrationID != "phone-2" || got[len(got)-1].RegistrationID != "phone-33" {
		t.Errorf("got %v", got)
	}
}

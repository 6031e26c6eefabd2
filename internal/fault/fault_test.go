package fault_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"luxbff/internal/fault"
)

// TestKindsAreDocumented holds that each kind has a status of an error, a text
// and a code that a client can compare.
func TestKindsAreDocumented(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	said := map[string]fault.Kind{}
	for _, kind := range fault.Kinds() {
		err := kind.Err()
		if err.Status() < 400 || err.Status() > 599 || err.Status() != kind.Status() {
			t.Errorf("kind %d %q has the status %d", kind, err, err.Status())
		}
		if err.Detail() == "" || err.Error() != err.Detail() {
			t.Errorf("kind %d says %q and %q", kind, err.Error(), err.Detail())
		}
		if !code.MatchString(err.Code()) {
			t.Errorf("%q has the code %q", err, err.Code())
		}
		answer := fmt.Sprint(err.Status(), " ", err.Detail())
		if other, twice := said[answer]; twice {
			t.Errorf("kinds %d and %d both answer %s", other, kind, answer)
		}
		said[answer] = kind
	}
}

// TestContractsWords holds the answers that the contract and the pages spell out.
func TestContractsWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   fault.Kind
		status int
		detail string
		code   string
	}{
		{fault.Internal, 500, "Internal server error. Please try again later.", "INTERNAL"},
		{fault.Unavailable, 503, "Service unavailable. Please try again later.", "UNAVAILABLE"},
		{fault.BadRequest, 400, "Invalid request or missing parameters", "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		{fault.Unauthenticated, 401, "Could not validate credentials", "UNAUTHENTICATED"},
		{fault.TokenIsExpired, 401, "Token is expired", "TOKEN_IS_EXPIRED"},
		{fault.UserIsNone, 401, "User is None", "USER_IS_NONE"},
		{fault.UserIsDeleted, 401, "User is Deleted", "USER_IS_DELETED"},
		{fault.NotAuthorizedUser, 401, "Not authorized user", "NOT_AUTHORIZED_USER"},
		{fault.ResourceNotFound, 404, "Resource not found", "RESOURCE_NOT_FOUND"},
		{fault.MethodNotAllowed, 405, "Method Not Allowed", "METHOD_NOT_ALLOWED"},
		{fault.RealUserNotFound, 404, "Real user is not found", "REAL_USER_IS_NOT_FOUND"},
		{fault.RealUserDeleteFailed, 409, "Real user delete failed", "REAL_USER_DELETE_FAILED"},
		{fault.SerialCodeNotValid, 400, "Serial code is not valid", "SERIAL_CODE_IS_NOT_VALID"},
		{fault.NotFoundDevice, 404, "Not Found Device", "NOT_FOUND_DEVICE"},
		{fault.AlreadyConnectedDevice, 409, "Already Connected Device", "ALREADY_CONNECTED_DEVICE"},
		{fault.DeviceNotFound, 404, "Device not found", "DEVICE_NOT_FOUND"},
		{fault.NotConnectedDevice, 409, "Not Connected Device", "NOT_CONNECTED_DEVICE"},
		{fault.NotFoundUser, 404, "Not Found User", "NOT_FOUND_USER"},
		{fault.UpdateDeviceLogFailed, 409, "Update Device Log Failed", "UPDATE_DEVICE_LOG_FAILED"},
		{fault.CreateDeviceLogFailed, 409, "Create Device Log Failed", "CREATE_DEVICE_LOG_FAILED"},
		{fault.PhoneNotFound, 403, "Phone number is not found", "PHONE_NUMBER_IS_NOT_FOUND"},
		{fault.AlimtalkSendFailed, 409, "Alimtalk send failed", "ALIMTALK_SEND_FAILED"},
		{fault.UserPolicyUpdateFailed, 409, "User policy update failed", "USER_POLICY_UPDATE_FAILED"},
		{fault.RefreshTokenNotValid, 401, "Refresh token is not valid", "REFRESH_TOKEN_IS_NOT_VALID"},
		{fault.CodeInvalid, 400, "Validation code is invalid", "VALIDATION_CODE_IS_INVALID"},
		{fault.CodeExpired, 400, "Validation code is expired", "VALIDATION_CODE_IS_EXPIRED"},
		{fault.CursorNotValid, 400, "Cursor not valid", "CURSOR_NOT_VALID"},
		{fault.CursorExpired, 410, "Cursor expired", "CURSOR_EXPIRED"},
	} {
		err := c.kind.Err()
		if err.Status() != c.status || err.Detail() != c.detail || err.Code() != c.code {
			t.Errorf("got %d %q %s, want %d %q %s", err.Status(), err.Detail(), err.Code(), c.status, c.detail, c.code)
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if fault.From(nil) != nil {
		t.Error("nothing became a fault")
	}
	known := fault.BadRequest.On("input.firstName")
	if got := fault.From(fmt.Errorf("create: %w", known)); got != known {
		t.Errorf("got %v", got)
	}
	unknown := fault.From(io.ErrUnexpectedEOF)
	if unknown.Kind != fault.Internal || !errors.Is(unknown, io.ErrUnexpectedEOF) {
		t.Errorf("an error of no kind became %v", unknown)
	}
	if unknown.Error() != fault.Internal.Err().Error() {
		t.Errorf("the cause leaks: %q", unknown.Error())
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("delete: %w", fault.RealUserNotFound.Because(io.EOF))
	switch {
	case !fault.Is(err, fault.RealUserNotFound), fault.Is(err, fault.UserNotFound), fault.Is(nil, fault.Internal), fault.Is(io.EOF, fault.Internal):
		t.Error("Is tells kinds wrongly")
	case !errors.Is(err, fault.RealUserNotFound.Err()), errors.Is(err, fault.UserNotFound.Err()), !errors.Is(err, io.EOF):
		t.Error("errors.Is tells kinds or causes wrongly")
	}
	if detail := fault.From(err).Detail(); detail != "Real user is not found" {
		t.Errorf("the detail is %q", detail)
	}
}

func TestOfNamesTheProvider(t *testing.T) {
	t.Parallel()
	if got := fault.ProviderTokenInvalid.Of("kakao"); got.Detail() != "Invalid kakao access token" || got.Code() != "INVALID_KAKAO_ACCESS_TOKEN" {
		t.Errorf("got %q, %s", got.Detail(), got.Code())
	}
}

func TestUnknownKindIsInternal(t *testing.T) {
	t.Parallel()
	if beyond := fault.Kind(len(fault.Kinds())); beyond.Err().Code() != "INTERNAL" {
		t.Errorf("got %s", beyond.Err().Code())
	}
}

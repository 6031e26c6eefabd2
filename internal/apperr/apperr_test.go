package apperr_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"luxbff/internal/apperr"
)

// TestKindsAreDocumented holds each kind to a status of an error, a text and a code
// that a client can compare.
func TestKindsAreDocumented(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	said := map[string]apperr.Kind{}
	for _, kind := range apperr.Kinds() {
		err := kind.New()
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

// TestTextsOfTheContract compares with what the contract and the pages spell out.
func TestTextsOfTheContract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   apperr.Kind
		status int
		detail string
		code   string
	}{
		{apperr.Internal, 500, "Internal server error. Please try again later.", "INTERNAL"},
		{apperr.Unavailable, 503, "Service unavailable. Please try again later.", "UNAVAILABLE"},
		{apperr.BadRequest, 400, "Invalid request or missing parameters", "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		{apperr.Unauthenticated, 401, "Could not validate credentials", "UNAUTHENTICATED"},
		{apperr.TokenIsExpired, 401, "Token is expired", "TOKEN_IS_EXPIRED"},
		{apperr.UserIsNone, 401, "User is None", "USER_IS_NONE"},
		{apperr.UserIsDeleted, 401, "User is Deleted", "USER_IS_DELETED"},
		{apperr.NotAuthorizedUser, 401, "Not authorized user", "NOT_AUTHORIZED_USER"},
		{apperr.ResourceNotFound, 404, "Resource not found", "RESOURCE_NOT_FOUND"},
		{apperr.MethodNotAllowed, 405, "Method Not Allowed", "METHOD_NOT_ALLOWED"},
		{apperr.PayloadTooLarge, 413, "Payload too large", "PAYLOAD_TOO_LARGE"},
		{apperr.UnsupportedMediaType, 415, "Unsupported media type", "UNSUPPORTED_MEDIA_TYPE"},
		{apperr.RealUserNotFound, 404, "Real user is not found", "REAL_USER_IS_NOT_FOUND"},
		{apperr.RealUserDeleteFailed, 409, "Real user delete failed", "REAL_USER_DELETE_FAILED"},
		{apperr.SerialCodeNotValid, 400, "Serial code is not valid", "SERIAL_CODE_IS_NOT_VALID"},
		{apperr.NotFoundDevice, 404, "Not Found Device", "NOT_FOUND_DEVICE"},
		{apperr.AlreadyConnectedDevice, 409, "Already Connected Device", "ALREADY_CONNECTED_DEVICE"},
		{apperr.DeviceNotFound, 404, "Device not found", "DEVICE_NOT_FOUND"},
		{apperr.NotConnectedDevice, 409, "Not Connected Device", "NOT_CONNECTED_DEVICE"},
		{apperr.NotFoundUser, 404, "Not Found User", "NOT_FOUND_USER"},
		{apperr.UpdateDeviceLogFailed, 409, "Update Device Log Failed", "UPDATE_DEVICE_LOG_FAILED"},
		{apperr.CreateDeviceLogFailed, 409, "Create Device Log Failed", "CREATE_DEVICE_LOG_FAILED"},
		{apperr.PhoneNotFound, 403, "Phone number is not found", "PHONE_NUMBER_IS_NOT_FOUND"},
		{apperr.AlimtalkSendFailed, 409, "Alimtalk send failed", "ALIMTALK_SEND_FAILED"},
		{apperr.UserPolicyUpdateFailed, 409, "User policy update failed", "USER_POLICY_UPDATE_FAILED"},
		{apperr.RefreshTokenNotValid, 401, "Refresh token is not valid", "REFRESH_TOKEN_IS_NOT_VALID"},
		{apperr.CodeInvalid, 400, "Validation code is invalid", "VALIDATION_CODE_IS_INVALID"},
		{apperr.CodeExpired, 400, "Validation code is expired", "VALIDATION_CODE_IS_EXPIRED"},
		{apperr.UpgradeRequired, 426, "Upgrade required", "UPGRADE_REQUIRED"},
		{apperr.SessionNotFound, 404, "Session not found", "SESSION_NOT_FOUND"},
		{apperr.MessageNotFound, 404, "Message not found", "MESSAGE_NOT_FOUND"},
		{apperr.CursorNotValid, 400, "Cursor not valid", "CURSOR_NOT_VALID"},
		{apperr.CursorExpired, 410, "Cursor expired", "CURSOR_EXPIRED"},
		{apperr.IdempotencyKeyNotValid, 400, "Idempotency key not valid", "IDEMPOTENCY_KEY_NOT_VALID"},
		{apperr.IdempotencyKeyReused, 422, "Idempotency key reused", "IDEMPOTENCY_KEY_REUSED"},
		{apperr.IdempotencyKeyInUse, 409, "Idempotency key in use", "IDEMPOTENCY_KEY_IN_USE"},
		{apperr.IdempotencyAnswerLost, 409, "Idempotency answer lost", "IDEMPOTENCY_ANSWER_LOST"},
	} {
		err := c.kind.New()
		if err.Status() != c.status || err.Detail() != c.detail || err.Code() != c.code {
			t.Errorf("got %d %q %s, want %d %q %s", err.Status(), err.Detail(), err.Code(), c.status, c.detail, c.code)
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if apperr.From(nil) != nil {
		t.Error("nil became an error")
	}
	known := apperr.BadRequest.WithField("input.firstName")
	if got := apperr.From(fmt.Errorf("create: %w", known)); got != known {
		t.Errorf("got %v", got)
	}
	unknown := apperr.From(io.ErrUnexpectedEOF)
	if unknown.Kind != apperr.Internal || !errors.Is(unknown, io.ErrUnexpectedEOF) {
		t.Errorf("an error of no kind became %v", unknown)
	}
	if unknown.Error() != apperr.Internal.New().Error() {
		t.Errorf("the cause leaks: %q", unknown.Error())
	}
}

func TestAtField(t *testing.T) {
	t.Parallel()
	plain := apperr.NotFoundUser.Wrap(io.EOF)
	located := apperr.From(apperr.AtField(fmt.Errorf("find: %w", plain), "input.childUserId"))
	if located.Kind != apperr.NotFoundUser || located.Field != "input.childUserId" || !errors.Is(located, io.EOF) || plain.Field != "" {
		t.Errorf("got %+v of %+v", located, plain)
	}
	named := apperr.BadRequest.WithField("input.phone")
	for _, err := range []error{nil, io.EOF, apperr.Internal.Wrap(io.EOF), named} {
		if got := apperr.AtField(err, "input.email"); got != err { //nolint:errorlint // the very same error
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("delete: %w", apperr.RealUserNotFound.Wrap(io.EOF))
	switch {
	case !apperr.Is(err, apperr.RealUserNotFound), apperr.Is(err, apperr.UserNotFound), apperr.Is(nil, apperr.Internal), apperr.Is(io.EOF, apperr.Internal):
		t.Error("Is confuses kinds")
	case !errors.Is(err, apperr.RealUserNotFound.New()), errors.Is(err, apperr.UserNotFound.New()), !errors.Is(err, io.EOF):
		t.Error("errors.Is confuses kinds or causes")
	}
	if detail := apperr.From(err).Detail(); detail != "Real user is not found" {
		t.Errorf("the detail is %q", detail)
	}
}

func TestWithProvider(t *testing.T) {
	t.Parallel()
	if got := apperr.ProviderTokenInvalid.WithProvider("kakao"); got.Detail() != "Invalid kakao access token" || got.Code() != "INVALID_KAKAO_ACCESS_TOKEN" {
		t.Errorf("got %q, %s", got.Detail(), got.Code())
	}
}

func TestUnknownKindIsInternal(t *testing.T) {
	t.Parallel()
	if beyond := apperr.Kind(len(apperr.Kinds())); beyond.New().Code() != "INTERNAL" {
		t.Errorf("got %s", beyond.New().Code())
	}
}

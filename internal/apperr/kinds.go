package apperr

// The documented errors, in the order of the pages that name them.
const (
	Internal Kind = iota
	// Every surface.
	BadRequest
	Unauthenticated
	TokenIsExpired
	UserIsNone
	UserIsDeleted
	NotAuthorizedUser
	ResourceNotFound
	MethodNotAllowed
	TooManyRequests
	Unavailable
	// LUX and Addnox user pages.
	UserNotFound
	UserPolicyNotFound
	UserPolicyUpdateFailed
	PushPermissionDenied
	PushTokenUpdateFailed
	RealUserCreateFailed
	RealUserNotFound
	RealUserDeleteFailed
	SerialCodeNotValid
	NotFoundDevice
	AlreadyConnectedDevice
	CodeExpired
	CodeInvalid
	UserPreviouslyDeleted
	PhoneTaken
	NotificationUpdateFailed
	SignInTypeNotFound
	// LUX device page.
	DeviceNotFound
	NotConnectedDevice
	NotFoundUser
	UpdateDeviceLogFailed
	CreateDeviceLogFailed
	PhoneNotFound
	AlimtalkSendFailed
	// Authentication of LUX and Addnox.
	PasswordInvalid
	SignUpNotCompleted
	SmsVerificationRequired
	SignedUpUserIsDeleted
	AccountBlocked
	RefreshTokenNotValid
	PhoneInvalid
	SendSmsFailed
	EmailNotValid
	SignUpTokenInvalid
	SameEmailIsRegistered
	SameEmailRegistered
	SignUpFailed
	UserIDNotResolved
	NotAuthenticated
	SignUpFirst
	SignedUpWithEmail
	SignedUpWithSocial
	ProviderTokenInvalid
	SocialAccountHasNoPassword
	UserIDNotFound
	EmailSendFailed
	// SNUTT.
	NoSuchLocalID
	WrongPassword
	FacebookTokenRefused
	FacebookParametersMissing
	LocalIDMalformed
	PasswordMalformed
	LocalIDTaken
	LocalIDExists
	FacebookExists
	NoLocalID
	NoFacebook
	FacebookTaken
	EmailMalformed
	EmailCodeWrong
	EmailVerifiedAlready
	EmailVerifiedElsewhere
	TooManyEmailCodes
	// The live feed.
	CursorNotValid
	CursorExpired
	// kinds counts them; it stays last.
	kinds
)

type entry struct {
	status int
	detail string
	// code stands in for the detail in capitals where the contract names it.
	code string
}

// Kinds lists every kind, for the table tests of the edges.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

func (k Kind) entry() entry {
	if k >= kinds {
		k = Internal
	}
	return table[k]
}

// table is never written.
var table = [kinds]entry{
	Internal:          {500, "Internal server error. Please try again later.", "INTERNAL"},
	BadRequest:        {400, "Invalid request or missing parameters", ""},
	Unauthenticated:   {401, "Could not validate credentials", "UNAUTHENTICATED"},
	TokenIsExpired:    {401, "Token is expired", ""},
	UserIsNone:        {401, "User is None", ""},
	UserIsDeleted:     {401, "User is Deleted", ""},
	NotAuthorizedUser: {401, "Not authorized user", ""},
	ResourceNotFound:  {404, "Resource not found", ""},
	MethodNotAllowed:  {405, "Method Not Allowed", ""},
	TooManyRequests:   {429, "Too many requests", ""},
	Unavailable:       {503, "Service unavailable. Please try again later.", "UNAVAILABLE"},

	UserNotFound:             {404, "User not found", ""},
	UserPolicyNotFound:       {404, "User policy not found", ""},
	UserPolicyUpdateFailed:   {409, "User policy update failed", ""},
	PushPermissionDenied:     {400, "Push permisson denied", ""},
	PushTokenUpdateFailed:    {409, "User push token update failed", ""},
	RealUserCreateFailed:     {409, "Real user create failed", ""},
	RealUserNotFound:         {404, "Real user is not found", ""},
	RealUserDeleteFailed:     {409, "Real user delete failed", ""},
	SerialCodeNotValid:       {400, "Serial code is not valid", ""},
	NotFoundDevice:           {404, "Not Found Device", ""},
	AlreadyConnectedDevice:   {409, "Already Connected Device", ""},
	CodeExpired:              {400, "Validation code is expired", ""},
	CodeInvalid:              {400, "Validation code is invalid", ""},
	UserPreviouslyDeleted:    {403, "User previously deleted", ""},
	PhoneTaken:               {409, "Phone number is already registered", ""},
	NotificationUpdateFailed: {409, "User notification update failed", ""},
	SignInTypeNotFound:       {404, "Sign in type is not found", ""},

	DeviceNotFound:        {404, "Device not found", ""},
	NotConnectedDevice:    {409, "Not Connected Device", ""},
	NotFoundUser:          {404, "Not Found User", ""},
	UpdateDeviceLogFailed: {409, "Update Device Log Failed", ""},
	CreateDeviceLogFailed: {409, "Create Device Log Failed", ""},
	PhoneNotFound:         {403, "Phone number is not found", ""},
	AlimtalkSendFailed:    {409, "Alimtalk send failed", ""},

	PasswordInvalid:            {400, "Password is invalid", ""},
	SignUpNotCompleted:         {401, "Sign-up not completed", ""},
	SmsVerificationRequired:    {403, "SMS verification required", ""},
	SignedUpUserIsDeleted:      {410, "User is Deleted", ""},
	AccountBlocked:             {423, "Access denied. Account blocked", ""},
	RefreshTokenNotValid:       {401, "Refresh token is not valid", ""},
	PhoneInvalid:               {400, "Phone number is invalid", ""},
	SendSmsFailed:              {409, "Failed to send SMS", ""},
	EmailNotValid:              {400, "Email is not valid", ""},
	SignUpTokenInvalid:         {401, "Token is invalid", ""},
	SameEmailIsRegistered:      {409, "Same email is already registered", ""},
	SameEmailRegistered:        {409, "Same email already registered", ""},
	SignUpFailed:               {500, "Failed to sign up user", ""},
	UserIDNotResolved:          {404, "Failed to get user id", ""},
	NotAuthenticated:           {401, "Not authenticated", ""},
	SignUpFirst:                {403, "User is not valid, please sign up", ""},
	SignedUpWithEmail:          {400, "User is signed up with email type", ""},
	SignedUpWithSocial:         {404, "User is signed up with %s type", ""},
	ProviderTokenInvalid:       {409, "Invalid %s access token", ""},
	SocialAccountHasNoPassword: {400, "User signed up using a social account", ""},
	UserIDNotFound:             {404, "User id is not found", ""},
	EmailSendFailed:            {500, "Email send failed", ""},

	NoSuchLocalID:             {403, "No such id", ""},
	WrongPassword:             {403, "Wrong password", ""},
	FacebookTokenRefused:      {403, "Facebook token is refused", ""},
	FacebookParametersMissing: {400, "Facebook id or token is missing", ""},
	LocalIDMalformed:          {403, "Id is not valid", ""},
	PasswordMalformed:         {403, "Password is not valid", ""},
	LocalIDTaken:              {403, "Id is already taken", ""},
	LocalIDExists:             {403, "Account has a local id already", ""},
	FacebookExists:            {403, "Account has a Facebook link already", ""},
	NoLocalID:                 {403, "Account has no local id", ""},
	NoFacebook:                {403, "Account has no Facebook link", ""},
	FacebookTaken:             {403, "Facebook id is linked to another account", ""},
	EmailMalformed:            {403, "Not an email address", ""},
	EmailCodeWrong:            {400, "Verification code is wrong", ""},
	EmailVerifiedAlready:      {409, "Email is verified already", ""},
	EmailVerifiedElsewhere:    {409, "Email is verified by another account", ""},
	TooManyEmailCodes:         {429, "Too many email codes", ""},

	CursorNotValid: {400, "Cursor not valid", ""},
	CursorExpired:  {410, "Cursor expired", ""},
}

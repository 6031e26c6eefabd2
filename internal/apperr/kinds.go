package apperr

// The documented errors. They are in the order of the documents that name them, so one
// page and its kinds can be compared line by line.
const (
	// On every surface, by the rules of the contract. Internal is the zero value, so an
	// error whose kind was forgotten tells the client nothing.

	Internal             Kind = iota // anything unexpected; the cause is in the log
	BadRequest                       // wrong JSON, a wrong type, a missing or impossible value
	Unauthenticated                  // no token, or one that is not good
	TokenIsExpired                   // an access or refresh token that is too old
	UserIsNone                       // the token of an account that never existed
	UserIsDeleted                    // the token of a deleted account
	NotAuthorizedUser                // a child or device of another account
	ResourceNotFound                 // a path that no surface has, or an unknown provider
	MethodNotAllowed                 // a path of a surface, with another method
	TooManyRequests                  // a rate limit; it says when to try again
	PayloadTooLarge                  // a body over the limit
	UnsupportedMediaType             // a body that is compressed otherwise than with gzip or zstd
	Unavailable                      // the database cannot be reached, or too many wait, for the moment
	ProviderUnavailable              // a social provider cannot be asked for the moment
	UpgradeRequired                  // a version of an app that is older than the operator allows

	// On the LUX and Addnox user pages.

	UserNotFound             // no such account, or no sign-up was begun
	UserPolicyNotFound       // an account that was never asked for consent
	UserPolicyUpdateFailed   // consent to push without a good push token, or a token without consent
	PushPermissionDenied     // a push token without consent to push
	PushTokenUpdateFailed    // a malformed push token
	RealUserCreateFailed     // a failure of the server while a child was created
	RealUserNotFound         // no such child
	RealUserDeleteFailed     // the device named is not that of the child
	SerialCodeNotValid       // a malformed serial code
	NotFoundDevice           // not in the catalogue, or not of that child
	AlreadyConnectedDevice   // another child has the device, or the child has another
	CodeExpired              // an SMS code that is too old
	CodeInvalid              // a wrong, used or replaced SMS code, or too many tries
	UserPreviouslyDeleted    // the phone of a deleted account, which is held back
	PhoneTaken               // the phone of another account
	NotificationUpdateFailed // a failure of the server while settings were stored
	SignInTypeNotFound       // an account without any way to sign in

	// On the LUX device page.

	DeviceNotFound        // no such child, or it has no device
	NotConnectedDevice    // a device that is not registered to the child
	NotFoundUser          // no such child
	UpdateDeviceLogFailed // a failure of the server while a log was completed
	CreateDeviceLogFailed // a failure of the server while a log was stored
	PhoneNotFound         // an alert for an account without a phone
	AlimtalkSendFailed    // no sender of Alimtalk is configured

	// In auth.md, the authentication of LUX and Addnox.

	PasswordInvalid            // a wrong password
	SignUpNotCompleted         // a sign-in before the sign-up was complete
	SmsVerificationRequired    // a sign-in of an account without a verified phone
	SignedUpUserIsDeleted      // a sign-in to a deleted account
	AccountBlocked             // too many wrong passwords in a row
	RefreshTokenNotValid       // a refresh token that was used, or whose session ended
	PhoneInvalid               // a phone number that is not E.164
	SendSmsFailed              // no sender of SMS is configured
	EmailNotValid              // an empty or malformed e-mail address
	SignUpTokenInvalid         // a bad valid_token at the sign-up of LUX
	SameEmailIsRegistered      // an e-mail of another account, at the end of a sign-up
	SameEmailRegistered        // the same, at the pre-signup of Addnox
	SignUpFailed               // a failure of the server while an account was created
	UserIDNotResolved          // no sign-up was begun for the e-mail
	NotAuthenticated           // a bad valid_token at a sign-up of Addnox
	SignUpFirst                // a social sign-in to an account that does not exist
	SignedUpWithEmail          // a social sign-in to an account with a password
	SignedUpWithSocial         // a social sign-in to the account of another provider
	ProviderTokenInvalid       // a token that the provider refuses
	SocialAccountHasNoPassword // a password reset for a social account
	UserIDNotFound             // a recovery for an account that does not exist
	EmailSendFailed            // no sender of e-mail is configured

	// In snutt.md, with its errcode in server/rest.

	NoSuchLocalID             // a sign-in by a local id that nobody has
	WrongPassword             // a wrong password, or a missing old one
	FacebookTokenRefused      // Facebook refuses the token, or it is of another id
	FacebookParametersMissing // fb_id or fb_token is missing
	LocalIDMalformed          // a local id that breaks the rules
	PasswordMalformed         // a password that breaks the rules
	LocalIDTaken              // the local id of another account
	LocalIDExists             // a second local id for one account
	FacebookExists            // a second Facebook link for one account
	NoLocalID                 // a change of an account without a local id
	NoFacebook                // the removal of a link that does not exist
	FacebookTaken             // the Facebook id of another account
	EmailMalformed            // not an e-mail address
	EmailCodeWrong            // a wrong or old code, or one that nobody asked for
	EmailVerifiedAlready      // a code for an address that is verified
	EmailVerifiedElsewhere    // an address that another account has verified
	TooManyEmailCodes         // a sixth code in a row

	// In the contract's list of GraphQL names.

	SessionNotFound // a session that has ended or never was
	MessageNotFound // a message that never was or is not kept any more
	IdentityExists  // a second person of one provider for one account
	IdentityTaken   // a person at a provider whom another account has
	NoIdentity      // the removal of a link that does not exist
	LastWayIn       // the removal of the only way by which an account signs in

	// On the subscription, as docs/live.md describes it.

	CursorNotValid // a cursor that this server never gave
	CursorExpired  // a cursor older than the events that are kept

	// On any request that has an idempotency key, as docs/guides/errors.md describes it.

	IdempotencyKeyNotValid // a key that is too short, too long or no plain text
	IdempotencyKeyReused   // the key of another request
	IdempotencyKeyInUse    // the key of a request that still runs
	IdempotencyAnswerLost  // a request that was done, and whose answer is not known

	// kinds is the number of kinds; it stays last.
	kinds
)

// entry is what the documents say of one kind.
type entry struct {
	status int
	// detail is the text of the REST pages, letter by letter with their slips of the pen:
	// apps compare it.
	detail string
	// code is what the contract calls the error, empty if that is the detail in capitals.
	code string
}

// Kinds gives every kind, so a test can hold an edge to answering each.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// entry treats a number that is no kind as Internal.
func (k Kind) entry() entry {
	if k >= kinds {
		k = Internal
	}
	return table[k]
}

// table is only read.
var table = [kinds]entry{
	Internal:             {500, "Internal server error. Please try again later.", "INTERNAL"},
	BadRequest:           {400, "Invalid request or missing parameters", ""},
	Unauthenticated:      {401, "Could not validate credentials", "UNAUTHENTICATED"},
	TokenIsExpired:       {401, "Token is expired", ""},
	UserIsNone:           {401, "User is None", ""},
	UserIsDeleted:        {401, "User is Deleted", ""},
	NotAuthorizedUser:    {401, "Not authorized user", ""},
	ResourceNotFound:     {404, "Resource not found", ""},
	MethodNotAllowed:     {405, "Method Not Allowed", ""},
	TooManyRequests:      {429, "Too many requests", ""},
	PayloadTooLarge:      {413, "Payload too large", ""},
	UnsupportedMediaType: {415, "Unsupported media type", ""},
	Unavailable:          {503, "Service unavailable. Please try again later.", "UNAVAILABLE"},

	ProviderUnavailable: {503, "Provider unavailable. Please try again later.", "PROVIDER_UNAVAILABLE"},
	UpgradeRequired:     {426, "Upgrade required", ""},

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

	SessionNotFound: {404, "Session not found", ""},
	MessageNotFound: {404, "Message not found", ""},
	IdentityExists:  {409, "Account has an identity of this provider already", ""},
	IdentityTaken:   {409, "Identity is linked to another account", ""},
	NoIdentity:      {404, "Account has no identity of this provider", ""},
	LastWayIn:       {409, "Last way to sign in cannot be removed", ""},

	CursorNotValid: {400, "Cursor not valid", ""},
	CursorExpired:  {410, "Cursor expired", ""},

	IdempotencyKeyNotValid: {400, "Idempotency key not valid", ""},
	IdempotencyKeyReused:   {422, "Idempotency key reused", ""},
	IdempotencyKeyInUse:    {409, "Idempotency key in use", ""},
	IdempotencyAnswerLost:  {409, "Idempotency answer lost", ""},
}

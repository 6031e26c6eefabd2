package rest

import "luxbff/internal/apperr"

// prose is what a route does, in a line and in more words.
type prose struct{ summary, text string }

// explained gives the prose of a route, by its method and its path below the
// prefix. A route that several pages have does the same on each.
func explained(r Route) prose {
	return map[string]prose{
		// Authentication of LUX and Addnox.
		"POST /auth/email/signin": {"Sign in by e-mail", "Opens a session and answers with its two tokens. Takes a form " +
			"(application/x-www-form-urlencoded) as well. Ten wrong passwords in a row block sign-in for 15 minutes."},
		"POST /auth/refresh-token": {"Trade a refresh token for new tokens", "Both tokens of the answer are new. A refresh token " +
			"is good once: one that comes again ends its session, because somebody else may have it."},
		"POST /auth/send-sms-auth": {"Send a code by SMS", "Six digits, good for 3 minutes and 5 tries; a new code replaces the " +
			"one before. The answer is the same whether or not the number has an account. Used for sign-up, for a new phone number and for recovery."},
		"POST /auth/phone-number-validation": {"Give the SMS code back", "Earns a valid_token: one sign-up of that phone within " +
			"10 minutes, as the bearer token of the sign-up route."},
		"POST /auth/send-reset-mail": {"Send the mail that resets a password", "The mail carries a link that is good once, for " +
			"30 minutes. The page behind it takes the new password, which ends every session."},
		"POST /auth/find-id-by-phone": {"Find the account of a phone", "For the code that send-sms-auth sent, tells the e-mail of the " +
			"account and how it signs in: email, local, or the name of a social provider."},
		"POST /auth/email/signup": {"Sign up by e-mail", "Makes the account of the phone that earned the valid_token and opens its " +
			"first session. A refused sign-up leaves the valid_token usable. Addnox takes the email_user_id of pre-signup in place of a password."},
		"GET /auth/sign-in/check/{email}": {"Ask whether an e-mail has an account", "Addnox asks this before it shows the sign-in or " +
			"the sign-up screen."},
		"POST /auth/email/pre-signup": {"Begin a sign-up", "Keeps e-mail and password until the sign-up is complete. Begun again, it " +
			"answers the same email_user_id and keeps the new password."},
		"POST /auth/email/get-id/{email}": {"Find a sign-up that was begun", "Answers the email_user_id that pre-signup gave."},
		"POST /auth/social-signin/{provider}": {"Sign in through a provider", "Takes the id_token of apple, google, naver or kakao, or " +
			"the access_token of facebook. An account that signs in otherwise is told how."},
		"POST /auth/social/signup": {"Sign up through a provider", "As the sign-up by e-mail, with the provider's token as social_id " +
			"and its name as social_type in place of a password."},
		// User pages.
		"GET /user/me": {"The signed-in account", "Personal data, and what the app should ask the user to complete. On LUX with " +
			"the notification settings of the device."},
		"PATCH /user/root-user": {"Change the account's own data", "What is absent or null stays as it is."},
		"DELETE /user/root-user": {"Delete the account", "With its children and their usage logs, for good. Devices, e-mail, phone and " +
			"links are free for a new account, and every session ends."},
		"PATCH /user/policy": {"Change consent", "To push notifications and to marketing; what is absent or null stays. Consent to push " +
			"needs a push token on LUX: one that was set before, or token here. Withdrawing consent keeps the token."},
		"POST /user/push/set-token": {"Set the push token", "Needs consent to push. Answers the token, as a JSON string."},
		"POST /user/create-real-user": {"Create a child with its device", "Both or neither. The device is named by the code printed on it " +
			"and its MAC."},
		"GET /user/real-user/{id}":     {"One child", "The child's own data."},
		"PATCH /user/real-user/{id}":   {"Change a child's data", "What is absent or null stays. The id of the body must be that of the path."},
		"PATCH /user/update-real-user": {"Change a child's data", "What is absent or null stays."},
		"DELETE /user/delete-real-user": {"Delete a child", "Removes its usage logs from every answer and frees its device, which must be " +
			"named. Both parameters may come in the query or in the body."},
		"POST /user/change-phone": {"Change the phone number", "Have a code sent to the new number with send-sms-auth first."},
		"PATCH /user/notification": {"Change the notification settings", "Booleans come as true and false or as 1 and 0, and go back in " +
			"the kind in which they came."},
		// Device page.
		"GET /device/child-device":   {"The device of a child", "The device, and how far its logs are stored: last_log_file_id."},
		"GET /device/get-all-device": {"All children that have a device", "One entry a child; a child without a device is left out. Addnox shows the whole MAC, LUX its last four hex digits."},
		"POST /device/set-my-device": {"Register a device to a child", "Registered again to the same child it changes its unique_id alone. " +
			"A child that comes back to its device goes on where its logs stood, another child starts at 0."},
		"PATCH /device/un-connect": {"Free the device of a child", "The device keeps its unique_id."},
		"GET /device/check-device": {"May I connect this device?", "Connection Confirmed: a child of the account has it. Device " +
			"Registerable: nobody has it."},
		"PATCH /device/update-alias": {"Rename a device", "At most 100 characters; may be empty."},
		"POST /device/devlog": {"Upload usage logs", "All are stored or none is, in the order of the array. Sending a log again is safe and " +
			"changes nothing. Without a finish_flag the use still runs: such a temporary log is stored 30 seconds earlier than sent, and the " +
			"first log with a finish_flag completes it."},
		"POST /device/alimtalk": {"Tell of poor electrode contact", "Sends a KakaoTalk message to the phone of the account."},
		// SNUTT.
		"GET /user/info":                        {"The signed-in account", "When it was made, and by which names it signs in."},
		"PUT /user/info":                        {"Change the e-mail address", "The new address is unverified. Absent or null, the old one stays."},
		"PUT /user/password":                    {"Change the password", "Ends every session; the token of the answer takes the place of the old one, which stops at once."},
		"POST /user/password":                   {"Add a local id", "To an account that has none. The token of the answer takes the place of the old one."},
		"POST /user/facebook":                   {"Link a Facebook account", "The token of the answer takes the place of the old one."},
		"DELETE /user/facebook":                 {"Remove the Facebook link", "Of an account that has a password to sign in by."},
		"GET /user/facebook":                    {"Show the Facebook link", "Whether there is one, and the name it bears."},
		"POST /user/device/{registration_id}":   {"Add a phone to be notified", "A phone belongs to the account that added it last."},
		"DELETE /user/device/{registration_id}": {"Remove a phone", "One that isn't there is gone already."},
		"DELETE /user/account":                  {"Delete the account", "For good; its local id, e-mail and Facebook link are free for a new account."},
		"POST /user/email/verification":         {"Send a code by e-mail", "To the address given, which becomes the account's, unverified; to the account's own when absent. Good for 3 minutes and 5 tries."},
		"POST /user/email/verification/code":    {"Give the e-mail code back", "Verifies the address that the code was sent to."},
		"GET /user/email/verification":          {"Ask whether the e-mail is verified", "True once the code came back."},
		"POST /auth/register_local":             {"Sign up by a local id", "Ids compare without case. The token is long-lived: it is good until the account's credentials change."},
		"POST /auth/request_temp":               {"Make a temporary account", "One without any way to sign in but its token, until it gets a local id or a Facebook link."},
		"POST /auth/login_local":                {"Sign in by a local id", "Signing in again gives the same token until the credentials change."},
		"POST /auth/login_fb":                   {"Sign in through Facebook", "Makes an account where the Facebook id is new."},
		"POST /auth/logout":                     {"Drop a phone at sign-out", "Stops notifying the phone; the token stays good."},
	}[r.Method+" "+r.Path]
}

// reason says when an error comes.
func reason(kind apperr.Kind) string {
	return map[apperr.Kind]string{
		apperr.Internal:                   "anything unexpected; the cause is in the server's log",
		apperr.Unavailable:                "the server can't reach its database for a moment: try again",
		apperr.BadRequest:                 "wrong JSON, a wrong type, a missing or an impossible value",
		apperr.Unauthenticated:            "no token, or one that isn't good",
		apperr.TokenIsExpired:             "an old token: refresh it",
		apperr.UserIsNone:                 "there never was such an account",
		apperr.UserIsDeleted:              "the account was deleted",
		apperr.NotAuthorizedUser:          "the child is another account's",
		apperr.ResourceNotFound:           "an unknown provider",
		apperr.TooManyRequests:            "too many calls: wait for Retry-After seconds",
		apperr.UserNotFound:               "no such account, or no sign-up was begun",
		apperr.UserPolicyNotFound:         "the account was never asked for consent",
		apperr.UserPolicyUpdateFailed:     "consent to push without a push token, or a malformed one",
		apperr.PushPermissionDenied:       "no consent to push",
		apperr.PushTokenUpdateFailed:      "the token is not 32 to 4096 printable ASCII characters without spaces",
		apperr.RealUserCreateFailed:       "a fault of the server; nothing was stored",
		apperr.RealUserNotFound:           "no such child",
		apperr.RealUserDeleteFailed:       "the unique_id is not that of the child's device",
		apperr.SerialCodeNotValid:         "not 4 to 32 letters and digits",
		apperr.NotFoundDevice:             "not in the catalogue, not that child's, or the MAC or unique_id doesn't fit",
		apperr.AlreadyConnectedDevice:     "another child has the device, or the child has another one",
		apperr.CodeExpired:                "three minutes have passed",
		apperr.CodeInvalid:                "a wrong code, one that was used or replaced, or the sixth try",
		apperr.UserPreviouslyDeleted:      "the number of a deleted account is held back for a time",
		apperr.PhoneTaken:                 "another account has the number",
		apperr.NotificationUpdateFailed:   "a fault of the server; nothing was stored",
		apperr.SignInTypeNotFound:         "an account without any way to sign in",
		apperr.DeviceNotFound:             "no such child, or it has no device",
		apperr.NotConnectedDevice:         "the device is not registered to that child",
		apperr.NotFoundUser:               "no such child",
		apperr.UpdateDeviceLogFailed:      "a fault of the server; nothing was stored, send again",
		apperr.CreateDeviceLogFailed:      "a fault of the server; nothing was stored, send again",
		apperr.PhoneNotFound:              "the account has no phone number",
		apperr.AlimtalkSendFailed:         "no sender is configured",
		apperr.PasswordInvalid:            "a wrong password",
		apperr.SignUpNotCompleted:         "the sign-up was begun and is not complete",
		apperr.SmsVerificationRequired:    "the account has no verified phone",
		apperr.SignedUpUserIsDeleted:      "the account of the e-mail was deleted",
		apperr.AccountBlocked:             "ten wrong passwords in a row: blocked for 15 minutes",
		apperr.RefreshTokenNotValid:       "used before, or of a session that has ended",
		apperr.PhoneInvalid:               "not a number in E.164",
		apperr.SendSmsFailed:              "no sender is configured",
		apperr.EmailNotValid:              "empty, or not an e-mail address",
		apperr.SignUpTokenInvalid:         "the valid_token is missing, used, old or another phone's",
		apperr.SameEmailIsRegistered:      "another account has the e-mail",
		apperr.SameEmailRegistered:        "another account has the e-mail",
		apperr.SignUpFailed:               "a fault of the server; nothing was stored",
		apperr.UserIDNotResolved:          "no sign-up was begun for the e-mail",
		apperr.NotAuthenticated:           "the valid_token is missing, used, old or another phone's",
		apperr.SignUpFirst:                "the provider's account is new here",
		apperr.SignedUpWithEmail:          "the e-mail's account signs in by password",
		apperr.SignedUpWithSocial:         "the e-mail's account signs in through the provider named",
		apperr.ProviderTokenInvalid:       "the provider refuses the token, or is not configured",
		apperr.SocialAccountHasNoPassword: "the account signs in through a provider",
		apperr.UserIDNotFound:             "no account has it",
		apperr.EmailSendFailed:            "no sender is configured",
		apperr.NoSuchLocalID:              "no such id",
		apperr.WrongPassword:              "a wrong password, also a missing old one",
		apperr.FacebookTokenRefused:       "Facebook refuses the token, or it is of another Facebook id",
		apperr.FacebookParametersMissing:  "fb_id or fb_token is missing",
		apperr.LocalIDMalformed:           "not 4 to 32 letters and digits",
		apperr.PasswordMalformed:          "not 6 to 20 non-blank characters with a letter and a digit",
		apperr.LocalIDTaken:               "another account has the id; ids compare without case",
		apperr.LocalIDExists:              "the account has a local id already",
		apperr.FacebookExists:             "the account has a link already",
		apperr.NoLocalID:                  "the account has no local id",
		apperr.NoFacebook:                 "the account has no link",
		apperr.FacebookTaken:              "another account has the link",
		apperr.EmailMalformed:             "not an e-mail address",
		apperr.EmailCodeWrong:             "a wrong, old or never requested code",
		apperr.EmailVerifiedAlready:       "there is nothing to verify",
		apperr.EmailVerifiedElsewhere:     "another account has verified the address",
		apperr.TooManyEmailCodes:          "a sixth code in a row: wait three minutes",
	}[kind]
}

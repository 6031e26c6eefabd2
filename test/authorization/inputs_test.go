package authorization_test

import "strings"

// inputs are the values that requests send, by the names of their members without
// underscores and in small letters: GraphQL's childUserId and the child_user_id of REST
// are one. What stands as ${NAME} belongs to the family that owns the request.
func inputs() map[string]string {
	return map[string]string{
		"realuserid": "${child}", "childuserid": "${child}", "id": "${child}", "globalid": "${global}", "deviceid": "${device}", "uniqueid": "${unique}",
		"serialcode": "${serial}", "macid": "${mac}", "devicealias": "renamed",
		"email": "${email}", "username": "${email}", "password": "${password}", "oldpassword": "${password}", "newpassword": "another1secret",
		"phone": "${newphone}", "code": "${code}", "validnum": "${code}", "validtoken": "${valid}", "refreshtoken": "${refresh}",
		"token": "${push}-2", "registrationid": "${phone-id}", "localid": "${local}", "facebookid": "${fb}", "facebooktoken": "token ${fb}",
		"fbid": "${fb}", "fbtoken": "token ${fb}", "accesstoken": "token ${fb}", "socialid": "token ${fb}", "socialtype": "facebook",
		"firstname": "someone", "lastname": "", "nationalcode": "KR",
		"ispushagree": "true", "ismarketingagree": "false", "isdevicemuted": "true", "isdevicealimtalkenabled": "true", "isbasestationalertenabled": "true",
		"treatmentdate": "2025-03-01T15:48:49", "lastintensity": "2", "treatmenttime": "600", "logfileid": "7",
		"idtoken": absent, "nonce": absent,
		"userid": "${user}", "sessionid": "${session}", "emailuserid": "${signup}", "first": "3", "after": absent, "before": absent, "last": absent,
	}
}

// byForm are the values whose form differs between GraphQL and REST.
func byForm(surface, name string) string {
	values := map[string][2]string{
		"birthdate": {"1990-05-06", "19900506"}, "gender": {"FEMALE", "F"}, "finishflag": {"BUTTON_SHUTDOWN", "2"}, "registertype": {"", "E"},
		"provider": {"FACEBOOK", "facebook"},
	}[name]
	if surface == graphQL {
		return values[0]
	}
	return values[1]
}

// absent is the value of an input that is left out.
const absent = "-"

// inputValue gives the value of an input.
func inputValue(r row, f *family, name string) (value string, known bool) {
	key := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	for given, text := range r.values {
		if strings.ToLower(strings.ReplaceAll(given, "_", "")) == key {
			return f.fill(text), true
		}
	}
	if key == "id" && (r.surface == "snutt" || r.surface == "v1") {
		key = "localid"
	}
	if text := byForm(r.surface, key); text != "" {
		return text, true
	}
	text, known := inputs()[key]
	return f.fill(text), known
}

package fcm

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"

	"luxbff/internal/apperr"
)

// Credentials are a service account of Google, which signs for access to a project.
type Credentials struct {
	// ProjectID is the project of Firebase that the apps belong to.
	ProjectID string
	// Email names the account, and KeyID which of its keys signs.
	Email, KeyID string
	// TokenURI is where a signature is exchanged for an access token. ParseCredentials does
	// not look at it.
	TokenURI string

	key *rsa.PrivateKey
}

// ParseCredentials reads the JSON of a service account, as Google's console hands it out.
// An error names the member that is missing or malformed and repeats nothing.
func ParseCredentials(text []byte) (Credentials, error) {
	var file struct {
		Type         string `json:"type"`
		ProjectID    string `json:"project_id"`
		PrivateKeyID string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		ClientEmail  string `json:"client_email"`
		TokenURI     string `json:"token_uri"`
	}
	if json.Unmarshal(text, &file) != nil {
		return Credentials{}, apperr.Text("it is not the JSON of a service account")
	}
	if file.Type != "service_account" {
		return Credentials{}, apperr.Text("its type is not service_account")
	}
	for name, value := range map[string]string{"project_id": file.ProjectID, "client_email": file.ClientEmail, "private_key": file.PrivateKey} {
		if value == "" {
			return Credentials{}, apperr.Text("it has no " + name)
		}
	}
	key := parseKey(file.PrivateKey)
	if key == nil {
		return Credentials{}, apperr.Text("its private_key is no RSA key in PEM")
	}
	return Credentials{
		ProjectID: file.ProjectID, Email: file.ClientEmail, KeyID: file.PrivateKeyID, TokenURI: file.TokenURI, key: key,
	}, nil
}

// parseKey gives nil for what is no RSA key.
func parseKey(text string) *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		key, _ := parsed.(*rsa.PrivateKey)
		return key
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil
	}
	return key
}

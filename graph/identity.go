package graph

import (
	"cmp"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

// providerName is a provider's name in the routes and the domain: that of the enum in small
// letters.
func providerName(provider model.IdentityProvider) string { return strings.ToLower(string(provider)) }

func socialParams(provider model.IdentityProvider, token string, nonce graphql.Omittable[*string]) auth.SocialParams {
	none := ""
	return auth.SocialParams{
		Provider:   providerName(provider),
		Credential: auth.Credential{Token: token, Nonce: *cmp.Or(nonce.Value(), &none)},
	}
}

func newIdentities(names account.SignInNames) []*model.Identity {
	identities := make([]*model.Identity, 0, len(names.Linked))
	for _, one := range names.Linked {
		identities = append(identities, &model.Identity{
			Provider: model.IdentityProvider(strings.ToUpper(one.Provider)), Name: one.Name, ConnectedAt: one.ConnectedAt,
		})
	}
	return identities
}

"""The Covage client API and its Keycloak, as documented."""

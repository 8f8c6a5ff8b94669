"""The Covage client API and its Keycloak as of their documentation."""

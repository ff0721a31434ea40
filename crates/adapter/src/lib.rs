//! What an agency is to the gateway: trait, context, client.

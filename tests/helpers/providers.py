"""Providers with keys and models, at addresses where nothing listens."""

from __future__ import annotations

from g4f_lite import OpenaiTemplate


class Alpha(OpenaiTemplate):
    name = "alpha"
    api_base = "http://127.0.0.1:1/v1"
    api_key_env = ("ALPHA_API_KEY",)
    login_url = "https://alpha.invalid/keys"
    default_model = "big"
    fallback_models = ("middle", "small")
    model_aliases = {"gpt-oss-120b": "big", "m": "middle"}


class Beta(OpenaiTemplate):
    name = "beta"
    api_base = "http://127.0.0.1:2/v1"
    api_key_env = ("BETA_API_KEY",)
    default_model = "beta/one"
    fallback_models = ("beta/two",)
    model_aliases = {"gpt-oss-120b": "beta/one"}


class Keyless(OpenaiTemplate):
    name = "keyless"
    api_base = "http://127.0.0.1:3/v1"
    needs_auth = False
    default_model = "free"


class Day(OpenaiTemplate):
    name = "day"
    api_base = "http://127.0.0.1:1/v1"
    api_key_env = ("DAY_API_KEY",)
    default_model = "sunday"

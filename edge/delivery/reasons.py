"""Why there is no connection to the broker: one line for the user, with the way out."""

from __future__ import annotations

import re
import socket
import ssl

from paho.mqtt.client import WebsocketConnectionError

from edge.delivery.settings import BrokerSettings

# OpenSSL's verdicts on a certificate (X509_V_ERR_…, x509_vfy.h).
_NOT_YET_VALID = 9
_EXPIRED = 10
_UNKNOWN_AUTHORITY = {18, 19, 20, 21}
_OTHER_NAME = {62, 64}

# What a broker says of our certificate before it hangs up; OpenSSL words it "tlsv13 alert certificate required".
_ALERT = re.compile(r"alert ([a-z ]+)")


def of_network(error: OSError | str, settings: BrokerSettings) -> str:
    """What an attempt to connect met with; a string is an error that paho has only told."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_their_certificate(error, settings)
    if (alert := _ALERT.search(str(error))) is not None and settings.tls:
        return _of_our_certificate(alert[1].strip(), settings)
    if settings.tls and isinstance(error, ConnectionResetError | ssl.SSLError):
        how = getattr(error, "reason", None) or "it hangs up"
        return f"no TLS: {how} (mqtts:// and wss:// need a port that speaks TLS, often 8883)"
    if isinstance(error, WebsocketConnectionError):
        return f"it offers no WebSocket for MQTT at path {settings.websocket_path} of this port"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (is the broker running?)"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return error if isinstance(error, str) else error.strerror or str(error)


def of_silence(told: str, settings: BrokerSettings, *, hung_up: bool) -> str:
    """Why a broker that was reached did not answer CONNECT. told: paho's error, empty where there was none."""
    if settings.tls and _ALERT.search(told):
        return of_network(told, settings)
    if not hung_up:
        return "it does not answer (is it an MQTT broker?)"
    if not settings.tls:
        return "it closes the connection (is it an MQTT broker? does this port want TLS, mqtts://?)"
    # The alert can get lost where the broker hangs up before it has read what we sent.
    wanted = "does it accept the client certificate" if settings.cert_file else "does it want a client certificate"
    return f"it closes the connection ({wanted}: cert_file, key_file? is it an MQTT broker?)"


def of_refusal(reason: str, settings: BrokerSettings, client_id: str) -> str:
    """Why a broker said no to CONNECT, by its reason's name."""
    if reason in {"Not authorized", "Bad user name or password"}:
        if settings.username is None:
            return f"{reason} (it may want a user and a password: set username and password_file)"
        return f"{reason} (check username, its password, and that it may write {settings.root}/<device>/status)"
    if reason == "Client identifier not valid":
        return f"{reason} (it does not take {client_id}: set client_id)"
    return reason


def _of_their_certificate(error: ssl.SSLCertVerificationError, settings: BrokerSettings) -> str:
    if error.verify_code == _EXPIRED:
        return "its certificate has expired: renew it at the broker (or is this device's clock wrong?)"
    if error.verify_code == _NOT_YET_VALID:
        return "its certificate is not valid yet: is this device's clock set?"
    if error.verify_code in _UNKNOWN_AUTHORITY:
        trusted = f"ca_file {settings.ca_file} holds" if settings.ca_file else "this device's system trusts"
        return f"its certificate is signed by none of the authorities that {trusted}: set ca_file to the broker's CA"
    if error.verify_code in _OTHER_NAME:
        return f"its certificate is for another name than {settings.host}: use that name in the url"
    return f"its certificate: {error.verify_message}"


def _of_our_certificate(alert: str, settings: BrokerSettings) -> str:
    ours = f"the client certificate cert_file {settings.cert_file}"
    if settings.cert_file is None:
        if alert in {"certificate required", "handshake failure", "bad certificate"}:
            return "it wants a client certificate: set cert_file and key_file"
        return f"it refuses TLS: {alert}"
    if alert == "certificate expired":
        return f"it says that {ours} has expired: renew it"
    if alert == "unknown ca":
        return f"it does not know the authority that signed {ours}: have it signed by the broker's CA"
    return f"it refuses {ours}: {alert}"

"""From a chat export to a verified bundle: ADDRESS CLIENT_ID CLIENT_SECRET FILE FOLDER."""

# ruff: noqa: T201  a script talks

import sys
from pathlib import Path

from evidence.client import ApiError, Client


def main(address: str, client_id: str, client_secret: str, file: str, folder: str) -> int:
    client = Client(address, client_id=client_id, client_secret=client_secret)
    try:
        delivered = client.acquire(Path(file))
    except ApiError as error:
        if error.code != "questions_open":
            raise
        delivered = client.acquire(Path(file), timezone="Europe/Madrid", owner="Ana")
    conversation = delivered["conversations"][0]["id"]
    matter = client.open_matter("Loan", number="7 C 12/26")
    parts = [{"conversation": conversation, "messages": "1-3", "redact": "2:body"}]
    selection = client.select(matter["id"], parts)
    print(f"{selection['messages']} of {selection['of']}, {selection['withheld']} withheld")
    export = client.wait(client.export(selection["id"])["id"])
    print(export["state"])
    saved = client.download(export["id"], Path(folder))
    bundle = next(path for path in saved if path.suffix == ".zip")
    receipt = next(path for path in saved if path.name.endswith(".receipt.json"))
    print(client.verify(bundle, receipt)["indication"])
    return 0 if export["state"] == "ready" else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

"""The text inside a bundle that tells a stranger how to check it without us, in two languages.

The commands stand once and are the same in both; a test runs them as they are written.
"""

from __future__ import annotations

_COMMANDS = """\
  sha256sum -c manifest-sha256.txt
  sha256sum -c tagmanifest-sha256.txt
  bagit.py --validate .
  qpdf --check data/evidence.pdf
  pdfsig data/evidence.pdf
  openssl ts -verify -token_in -in data/tokens/prepared.tst \\
    -data data/checkpoints/prepared.txt \\
    -CAfile ROOT.pem -untrusted data/certificates/stamp-chain.pem
  python3 verify.pyz --extract ../SIGNATURES data/evidence.pdf
  openssl cms -verify -binary -inform DER -in ../SIGNATURES/1.cms \\
    -content ../SIGNATURES/1.signed -CAfile ROOT.pem \\
    -certfile data/certificates/seal-chain.pem -purpose any -out /dev/null
"""

_ENGLISH = """\
EVIDENCE BUNDLE {bundle}
issued by {deployment}

This archive holds signed PDF files for reading (data/evidence.pdf comes first) and, beside them,
the same content for machines with every proof needed to check it. Nothing here has to be believed:
each step below works offline, and none of them needs the issuer.

1. The complete check, with Python 3.10 or later and nothing else:

  python3 verify.pyz --trust ROOT.pem BUNDLE.zip

   ROOT.pem stands for the certificates YOU trust to name signers and time-stamp authorities; get them
   from their publishers, never from this archive. Without --trust the answer is INDETERMINATE at best.
   A forger could also replace verify.pyz. Fetch it from another place ({verifier_url}) and
   compare its SHA-256, which was {verifier_sha256} when this bundle was made.
   If you were given BUNDLE.zip.receipt.json, keep it beside the ZIP: it proves when the ZIP was issued.

2. The same with other people's tools, in the unpacked folder:

{commands}
   The SHA-256 lists and BagIt show that the files belong together; qpdf that the PDF is well formed;
   pdfsig who signed it and whether anything follows the signature; openssl that the time-stamp over
   the log, and the signature, are cryptographically right.

What a complete check proves: these bytes were in the issuer's store no later than the time-stamp over
their seal, and this excerpt is unchanged from them. What it does not prove: who typed a message, what
was deleted or edited before delivery, or that the clocks of the source were right.

The formats are specified byte for byte in the files under evidence/formats inside verify.pyz, which
is a plain ZIP of readable source.
"""

_CHINESE = """\
证据包 {bundle}
出具方：{deployment}

本压缩包内有供阅读的已签名 PDF 文件（首先阅读 data/evidence.pdf），以及供机器读取的相同内容和核验所需的全部证明。
您无需相信任何人：以下每一步都可以离线完成，都不需要出具方参与。

1. 完整核验，只需 Python 3.10 或更高版本：

  python3 verify.pyz --trust ROOT.pem BUNDLE.zip

   ROOT.pem 是您自己信任的、用以认定签名人和时间戳机构的根证书；请从其发布者处取得，切勿取自本压缩包。
   不加 --trust 时，结论至多为 INDETERMINATE（无法确定）。
   伪造者也可能替换 verify.pyz。请从别处（{verifier_url}）取得该程序，并比对其 SHA-256；
   本证据包制作时该值为 {verifier_sha256}。
   如果您同时收到 BUNDLE.zip.receipt.json，请将其与 ZIP 放在同一文件夹：它证明该 ZIP 何时出具。

2. 用第三方工具核验（在解压后的文件夹中执行）：

{commands}
   SHA-256 清单和 BagIt 说明文件彼此对应；qpdf 说明 PDF 结构完好；pdfsig 说明由谁签名、签名之后是否另有内容；
   openssl 说明日志上的时间戳和签名在密码学上正确。

完整核验能够证明：这些数据最迟在其封存值被加盖时间戳之时已存于出具方，且本摘录与之相比未被改动。
不能证明：消息由何人输入、交付之前是否有内容被删除或编辑、来源设备的时钟是否准确。

各格式的逐字节规范写在 verify.pyz 内 evidence/formats 目录下的文件中；verify.pyz 是普通的 ZIP，其中是可读的源代码。
"""


def readme(*, bundle: str, deployment: str, verifier_url: str, verifier_sha256: bytes) -> bytes:
    """Return ``README.txt``: English, then Chinese, UTF-8.

    bundle: opaque id. verifier_url: where verify.pyz is published apart from any bundle.
    """
    values = {
        "bundle": bundle,
        "deployment": deployment,
        "verifier_url": verifier_url,
        "verifier_sha256": verifier_sha256.hex(),
        "commands": _COMMANDS,
    }
    line = "-" * 78 + "\n\n"
    return (_ENGLISH.format(**values) + "\n" + line + _CHINESE.format(**values)).encode()

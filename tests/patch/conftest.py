"""Material of our own for the tests of this room."""

import pytest

OLD = b"""#include "demo.h"

static int counter;

int demo_read(struct demo *demo)
{
\tif (!demo)
\t\treturn -1;
\treturn demo->value;
}

void demo_write(struct demo *demo, int value)
{
\tdemo->value = value;
\tcounter++;
}
"""
NEW = OLD.replace(b"\t\treturn -1;\n", b"\t\treturn -EINVAL;\n").replace(b"\tcounter++;\n", b"\tcounter += 1;\n")

MAIL = b"""From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
From: =?UTF-8?q?Ada=20R=C3=A4ksm=C3=B6rg=C3=A5s?= <ada@example.org>
Date: Sun, 13 Mar 2011 07:06:40 +0100
Subject: [PATCH v2 1/2] demo: return an error number and say why at such a length
 that the subject is folded
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

A body.

Signed-off-by: Ada R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s <ada@example.org>
---
 demo.c | 4 ++--
 1 file changed, 2 insertions(+), 2 deletions(-)

diff --git a/demo.c b/demo.c
index 2222222..3333333 100644
--- a/demo.c
+++ b/demo.c
@@ -5,7 +5,7 @@ static int counter;
 int demo_read(struct demo *demo)
 {
 \tif (!demo)
-\t\treturn -1;
+\t\treturn -EINVAL;
 \treturn demo->value;
 }
\x20
@@ -12,5 +12,5 @@ int demo_read(struct demo *demo)
 void demo_write(struct demo *demo, int value)
 {
 \tdemo->value = value;
-\tcounter++;
+\tcounter += 1;
 }
--\x20
2.39.5

"""


@pytest.fixture
def old() -> bytes:
    return OLD


@pytest.fixture
def new() -> bytes:
    return NEW


@pytest.fixture
def mail() -> bytes:
    return MAIL


@pytest.fixture
def diff() -> bytes:
    """The bare diff of the mail."""
    return MAIL[MAIL.index(b"diff --git") : MAIL.index(b"-- \n")]

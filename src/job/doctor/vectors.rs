//! Answers that others published or made: what goes in, what must come out, and whose it is.
//! The tests hold them against OpenSSL and Wycheproof. The keys are public, and open nothing else.

use crate::cipher::BLOCK;
use crate::envelope::{Container, ContentCipher, Iv, Padding, WrapAlgorithm};

/// A wrapped content key. Texts are base64.
pub(super) struct Wrapped {
    pub(super) algorithm: WrapAlgorithm,
    /// Where it was published.
    pub(super) origin: &'static str,
    /// PKCS#8, DER.
    pub(super) private_key: &'static str,
    pub(super) wrapped: &'static str,
    pub(super) key: [u8; 32],
}

/// Ways to decrypt one kind of recording.
pub(super) struct Sealed {
    pub(super) name: &'static str,
    /// Of recording and bulk.
    pub(super) key: [u8; 32],
    pub(super) cipher: ContentCipher,
    pub(super) recording: Recording,
    pub(super) bulk: Bulk,
    pub(super) published: Published,
}

/// A whole small one. Texts are base64.
pub(super) struct Recording {
    pub(super) containers: &'static [Container],
    pub(super) ciphertext: &'static str,
    pub(super) plaintext: &'static str,
}

/// A ciphertext that [`super::pattern`] makes, and behind it `last`: a tag that Python's `cryptography`
/// made, or a block with padding that OpenSSL did.
pub(super) struct Bulk {
    pub(super) length: usize,
    pub(super) last: [u8; BLOCK],
    /// SHA-256 of its plaintext.
    pub(super) plaintext: [u8; 32],
}

/// What somebody published. Texts are base64.
pub(super) struct Published {
    /// Where.
    pub(super) origin: &'static str,
    pub(super) key: [u8; 32],
    pub(super) cipher: ContentCipher,
    pub(super) ciphertext: &'static str,
    pub(super) plaintext: &'static str,
}

/// A derived content key. Texts are what they are.
pub(super) struct Derived {
    pub(super) kdf: &'static str,
    /// Where it was published.
    pub(super) origin: &'static str,
    pub(super) secret: &'static [u8],
    pub(super) salt: &'static [u8],
    pub(super) key: [u8; 32],
}

pub(super) const WRAPPED: [Wrapped; 3] = [
    Wrapped {
        algorithm: WrapAlgorithm::RsaOaepSha256,
        origin: "Wycheproof, rsa_oaep_2048_sha256_mgf1sha256_test 7",
        private_key: "\
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCitFGgfQql+W5FVnFRNVBRSopbRi6+9xcJT6H+\
        6CIk5jf5dG0/fK/TGHjYAyW271oXAPZZA7RpQp6J1urIhFCXtas5MYnbklEu2KdxGhJT+s0g95wV6CR/PT5C5G5I\
        yY4lSi/pdlMToD7/jxfhoCk5eh+iao3OJvSQ7YEplhXZgUwi2mEEKOCcfZZYWUJm9cAh0PzsoI2UWhK+gt5NHs5r\
        TAMUW100ldTtVBHrh42vBf16/D4JraDxEmQi9ZCXWhlpgW9IaYvLuhtNnK551GDY+fheeXUAXZvCLE5awPfBpF0S\
        VppigH07mgLlpTDncwZvRT0fW0wunPeCAoP3QrnVAgMBAAECggEAJM3GIxf11ypva6bMljKJmwHR/yiGfXL2FoiZ\
        W8hVpOQgqEBSUAib2xPPjglUOCe3SLnSf7srTZ4gr4xaaoYnltGkzBitFupni8G9SoO7vpxeV0U7XOc4jkGjukzi\
        t3tEOKIp6VT3INrgNT3AiKyKdrJtwnb44beFHd1jmK0W/y54GVEjubA26UXDjJ0SQ09t92/iI1nrPhrJwBFnj8km\
        +tOuR1pP//9V/rLRR+nIlPTA4ppZnnYkYkgtlov0J4CUX8DSwxxXPEQxuPT+i4xnvsgVq9RPeobtyhwjCHNzWNLC\
        rl4uDi2t9zCYAmI3flixO32ZkgYKC8hwzP20qTGe4QKBgQDcQxBQ94LolPtSSCR9mMt9WLjR4k87VdBBxW5N4Iaw\
        1bsCi9pC7rXSNNVoHlgJ1BXmoomtTPv3j5ePbDWBT1Duv/HFuApp94joHmurXdqng2nWWdFD7G8X55gTpXXPrZxW\
        kVa5ARPi6REK2ee0ihyTSKbmUzIRkSkOo2z7OlsY8QKBgQC9GoHnl3+YmBIic64yIrWY6l+xnrTqvDgwil4yGWYD\
        suUA/7efW4hoFmEd68Ry+sRVRAcL6wV8lBN4poaK87egPT+YgOxH1eCJuU+95UKrqa6NcsVwiNer9bEx85CY97wW\
        D5BTaryUkv1OBvPtcpnUuXuwNncgfZVmnxQM+8IPJQKBgQCpS1KLKPKRWZEh2RlS/9HH8h18FHnZnUeIhfsWGHDu\
        Ehi/CEcmEtvlSX6NnGUGiOCceGlhrj4sNU3EiuNFFHWcTCPEWISIlh3Aa0FOYcDh5/u9KSPTFTL+KJ+W2iIHEeWM\
        FAGYCOAEFCdpM7sH5O+5tKmzdlaRcgUgnzPwlRXXwQKBgDrw5yqTOu8J/yUD33i6/tUxwC/xorxDfFQM3L1K01Q1\
        z1EXY1llQ0gGKbEUyn94D/fvoy6gy24ADW2eofLvcf2c+ZSEIqFlVX4351Xt/nDZC5IFAutHi8mKY/eIzjoPhW1u\
        3nJRo4O/qPpICoGpJa97PMU4xLq4yfdZf/toAR2NAoGAJkD7+8/vsWPueoe2SDpm7kH5VtkPqKeTm/wELuCSSxt5\
        k9BEX3WNUZM+hRecAyCwyWi0ipHDi1vpI+EJfAxWL4jUIpS2onWbr6VCinTxJwh05F9vzGDyFgLeXszRQ88xJB9Z\
        IbWtOYP7VO8XvjsoU2flDJmcZyR7VS/kv86UX3s=",
        wrapped: "\
        CWlYeG7nlyBQ1nqeS2nWxq99t8xnQ4bfcldw3SkSm4JuOVUjMBBMjXHmzDowFN0vYbVBU69RsEONRH7pOfnjwTu4\
        sAo33qagaPbJ0n6Eixvnoe7rPuULeANvupWuRpSMpbE/NW6iTbEPYNwJ5Li62PdmtmjvclJEMggKDOAO1nbW1eNU\
        mEsQeFIEElJYSBVtBvBlJGn5V5G6o9mnmK5TcJT3b5dvrs1cnODJMKdZEMY9rPY0hctLXnvbz02A50A36qGo/ktS\
        kwvsa+mc9qyIz1h42/aFnUVqldvDRlTuxCXehMoqU11RdAOpqtqCfn0Ak+z8l+0FanZSgl6aRcstyw==",
        key: hex("e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
    },
    Wrapped {
        algorithm: WrapAlgorithm::RsaOaepSha1,
        origin: "Wycheproof, rsa_oaep_2048_sha1_mgf1sha1_test 7",
        private_key: "\
        MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC9McegJpHS2Vh+9qlG/3iFRMyt1LKYitYghnkq\
        a/lshha0rRMxfSJwuQHQ/NHYgMuPUvuHMEpSWMEbON/q6N9nCu7n6h0NnfjgDoCEfkHlmJ7UAtROeLMP7xe1Zx06\
        2/hoXk3CBEmezRhj4dWv8op89m6t8x/skjbBIK3RNFFSLGR8mDKmcs1k0yjBwyIYP0Zh0JvaYLjdXwMo2lQgghQk\
        r9q7GoDF0SdjobAjjNidB0K/xQtqL8twHYJCGPmCb094ojorWqQqzn8XU3b7bL2yutKTulg9TTHGuPkCnkaxNokk\
        mFX1BXVuAOIlpqRaGHab2NKzpKy58cI9PlGIJWHlAgMBAAECggEAB0fVIMqbLfwDNc+UMBFAuBAvuDjJLqmZF+NU\
        4lcJYC3Aze8jH/Jq0t+rvDkecjBypO9Skp8/HPAhbkTACTAw+KwpCW+u8okzvJuSQocBTi6TXiFFvkdSzLgst2Ri\
        cZNpecq3P1Ie6yeFWsKkEINK5Qguti72+Yme5cu2JKjYwEq37c94/hNdD4CPY7XebgcXeb8dnqr40++WVIbyxSYl\
        5uV6ZRx7vQGXyZwFezhgoyYMhkoRs88iukTeOjs/MRfmTr+akfYm67Pzwm0bC7gHU0aNS/apl7KDNfIO2MOE11WD\
        YKmul1VmH6N0mEaxdOa/Mw5S0JlB9szX3lAEd5+buQKBgQD+PSONN2o4VtlZL9SWHBen+w+jnUQunfIuftoRXGSM\
        XLc434nqktg3hVjQ2cHPPYv/dA03Q6AUCmp1I+kXbClTssEdf0RpHPi+wrNPtZxklTWYMxlIgRjAMRiudEXnDfRm\
        zphnEmDwXVBoznd9qX4rqEd5SQUAzrT/f2LOypoUfwKBgQC+gUrya/PCcRW8dZXQ0Soa93E/7Kh3rm5thYgl7aPR\
        knBHdPQuGuG2fxc56MRaBHY4gHD6VFt8yWuKRAA7yNB/3nP1vN0YJoOV3MKEK1Aj/xSzUjgmB7cXml6jMIQPxFBF\
        2G4KzE/rE18KubfOa4619aV18qKo3imcDT9QbfSHmwKBgGG7TPRXLgz0Td78BQOjTvCzEUL7DJ/C9bsr5lYwJzLR\
        3VkOjWzQAC/vocG/Q8KPzUZo7T+mTl4F1wCqykrHuGdFWvkk2D5z9acXH2jvzmvX899LHVgC0GnpNayyY8C7W409\
        s9ZDeWJM7MEtRT/YLPlJWhhkmnjB/VAOPwRxW6OvAoGAZknb6SCnqM65ghCM2auFdSdJiq5SorhpGKtrOBpKLLv5\
        R5T3i03pxeilmvVtgHwG0j2869yhpvYrpPjwOymPMilKkDbRbCc53hzD4N200S8keUh7V4gq+iRsDil9r02UYHxe\
        UbP0cV9cV9DybYZ5ASCdsCAQ0KVBKEZAqbnwY2MCgYA57GBvXJ8fM9lkYG4Sjp6Qz/kydyxXFap1mBbVBO/ixGIG\
        8zeaph0x+I5ya1DdgLjOhVig10CFJfWMM5nOMuI51wlB8S0h53YcBD4LAiINJf/QNXHHrlu9WcMfSBIGdvnXw3Cn\
        SdhJG9/OoBZioTbIXTSbbHEPxvbr+Kenm2Ktww==",
        wrapped: "\
        NTBgX0O1U5yAOY+FbuqNiJhK9KagjbO51Ak8yA0aMTwOvnJ+ssRc7CAl7uYPOFgiwJ+C47zt9mt5wrNKT0GqiIXs\
        pbmJF5jUeRT5R8dogdv8PyHsJ6EdySbGR7ayp/MpLsSqMulpurSa/iA//XmwwatXd6BB++Tp4aZ5/i2C6cJn7n++\
        VOng3vaNi7rLHlPama7IupJV0v9mdtvMWEmKOG3YprPPAiKp4U/QMxMwO+ydBDn/DopaCc4pJuvobK/QDNjKdhuI\
        35z4T3uOB8xfZVGZ6oHqZAfsJktZcXOJZ6LpdxMtxYnHL4u2OalCn+tRLY0yxEH34c5sa++ggUCgkA==",
        key: hex("e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
    },
    Wrapped {
        algorithm: WrapAlgorithm::RsaPkcs1v15,
        origin: "Wycheproof, rsa_pkcs1_2048_test 7",
        private_key: "\
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCzUQorzUzmRMW1lK5QWeErLwVLZY1dpZWaL98Y\
        cbgIvD3z5ijSeS5RqtXBJLQ72kU9ylzeS88o571O/7oMtLdCu7bVoBPLY9GqOongJifvU5i1LAz9l9IIq+uNfJvO\
        C76wGaht21ib6ymlt0v4YQdcZ3yB1DDwMMJlJHr508kUDMtlMJ0H4K3B79Fc8X57BV19o4aORkjMOhgPDuf44eex\
        gJijORtM5xYemNV6+KlH4gGkY+LWu8qAWeVwbp3+2PSFZGX/pxLtGqGOiI0S3GqgnOlez8qDzFsLFdsJyGR/XVJM\
        Dy52IKNBa5YjytwPCXr1cyYcmMhACqEq845DythNAgMBAAECggEAGlAtDupse2niHVg5EB9wVFbtDvhS+0f+IQcf\
        VMXzPIzrBmxi1yfjLSbFgTcyn4nTGVMlt5UmTBldhUcvdQfb0JYdKVH5NaJrNPCsJNFUkOESiptxOJFbx9v6j+OW\
        NXExxUOunJhQc2jZzrCMHGGYo+2nrqGFoOl2zULCLQDwA9nxnZbqTJr8v+FEHMyALPsGifWdgExqTk9ATBUXR0Xt\
        bLi8iO8LM7oNKoDjXkO8kPNQBS5yAW51sA01ejgcnA1GcGnKZgiHyYd2Y0n8xDRgtKpRa84Hnt2HuhZDB7dSwnft\
        lSitO6C/GHc0ntO3lmpsJAEQQJv00PreDGj9rdhH/QKBgQDsElzzfjEKL/RiY7my4GKdY5AAXsiJE9T7cb1N2FYS\
        RJiq66mD17or2ULmTSI/63ojr01gXv7qa9cNOa/pnTWjqhXnShdod4CTvg7dSo0Jst723Jtn/4V2RiXC4ZI220xA\
        HOMKJXLT7LT5abetGcUiwC13RGVnbho3dsVNYkg0iwKBgQDCdCq82Yl71LC2cflz/IKo+Eq/VwX/iN1BlIYjr+nc\
        pg3GVDOQdn/q6+tTlXbui/phtfy8qUp873WgkVDFQPqWlN2ABK0jcYyIkEkhk2nJn0RY1K/BSPbwffhzJKltnPez\
        hd2GIkFKGDL58pRG8FDC1aZAdkncQatw4js9zCLJhwKBgQCWqXmNJQJjQAu2J3NCiBYn4Hzs35EYewG4n/RzFBiK\
        fCD7JIABVtLIXVZm6N9s7/n5gE3frYD/V2feVuzAKccr9scX359k2q/Cms+dx5CPmgrWfiDolJk2zLoY0CGixP67\
        BDSaKyBHxJAThbbl0MaR0RizP4GAKzKsJy7wnkL61QKBgAVU9BsLh/aKRXIrO+DPSrHhZQNMGpEAKrjynp754tq2\
        /ueyRVuvtCA36dL35TPzSKFHQS/XIIC+fCYz9dgCyRw55rzs4+Z15ZmVAzxVc3Ag2tnosw0EuCit+5MErVShGjWk\
        9QcJh2rFsRgja6dqTXyaKR3ZYHsWneHRgjhWkZmfAoGAHGQBidm/6MYjgzIQp2xCDG9E5ddg4lmRbOwq4rFWRWlg\
        /ZXidHZgw4lWIlDwVQSc+rflwwOVSThKeiquscgk069wlIKoz5tYcCKgCx8HIttQ8zyybcIN0iRdUmXfYe4pg8k4\
        whZ9zuEh/EtEecI35yjPYzq2CowOzQT85+O6pVk=",
        wrapped: "\
        GOKA6LA9hYi5I4QtFf3bBJMoXs160tmph4BFzmFboHy4Ef1KBzfpHs5aY7cLHtwj4NqTnsZUMz63fpVhCLBAvWuS\
        kn4lppItG5IwIDaYWRX+35+zhDG7zh/u4+xC/xW8SkttELPaQeyWZnuBFjswtG7vT0b7IvGH2o/VNkYeVZS/VXpt\
        /CM3iDvujWGHGSo7S+pwOYsB8+qMFUf2xXJIJDNls8RrEXkk2LtoReo4LDicZI0+Zf8LhxG74ab9O+oCj1gIcl8Z\
        jNoEB6D/RrWvJho3GEVHJQ9JaADmlykOOdRta85nt2fXOmO9mPaZwYKBgKv9UaMEjQUNSWI27fHpnQ==",
        key: hex("e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
    },
];

/// Bytes of the bulk: segments enough for some cores, and whole packets of transport stream.
pub(super) const BULK: usize = 16_385 * 188;

const GCM_KEY: [u8; 32] = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
const GCM: ContentCipher = ContentCipher::Aes256Gcm {
    iv: hex("cafebabefacedbaddecaf888"),
};
const GCM_CIPHERTEXT: &str = "\
        Ui3B8JlWfQf0fzejKoRCfWQ6jNy/5cDJdZiivSVV0aqMsI5IWQ27PaewixBWgog4xfYeY5O6egq8yfZiiYAVrbCU\
        2sXZNHG97BpQInDjzGw=";
const GCM_PLAINTEXT: &str = "\
        2TEyJfiEBuWlWQnFr/UmmoanqVMVNPfaLkwwPYoxinIcPAyVlWgJUy/PDiRJprUlsWrt9aoN5le6Y3s5Gq/SVQ==";

/// Key and IV of SP 800-38A, F.2.5 and F.2.6.
const CBC_KEY: [u8; 32] = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
const CBC_IV: [u8; BLOCK] = hex("000102030405060708090a0b0c0d0e0f");

const fn cbc(iv: [u8; BLOCK], padding: Padding) -> ContentCipher {
    ContentCipher::Aes256Cbc {
        iv: Iv::Given(iv),
        padding,
    }
}

/// It ends with four bytes of padding, by PKCS#7 and by whole packets alike.
const CBC_BULK: Bulk = Bulk {
    length: BULK + 4 - BLOCK,
    last: hex("257ac830a3b4178642c96c8aa9b1077e"),
    plaintext: hex("9894273e4fce400079a54aa0e815eb32921297d21fa7c2003897de169dc63b5c"),
};

pub(super) const SEALED: [Sealed; 3] = [
    Sealed {
        name: "aes-256-gcm",
        key: GCM_KEY,
        cipher: GCM,
        recording: Recording {
            containers: &[],
            ciphertext: GCM_CIPHERTEXT,
            plaintext: GCM_PLAINTEXT,
        },
        bulk: Bulk {
            length: BULK,
            last: hex("e4a867ab64a0ffafc3a4456e346657f3"),
            plaintext: hex("e7e017399fb284887a1593e043932a587f99eaa1e3d5eb4dca10650f9bc87257"),
        },
        published: Published {
            origin: "McGrew and Viega, GCM, test case 15",
            key: GCM_KEY,
            cipher: GCM,
            ciphertext: GCM_CIPHERTEXT,
            plaintext: GCM_PLAINTEXT,
        },
    },
    Sealed {
        name: "aes-256-cbc",
        key: CBC_KEY,
        cipher: cbc(CBC_IV, Padding::Pkcs7),
        // Four samples, encrypted by OpenSSL.
        recording: Recording {
            containers: &[Container::Wav],
            ciphertext: "\
            7HWtWGKN2eH+cBIhXhql85Zl5PE91W7J1h7rj6sHo4pv4wTAoAVfWdQlSheu160u06xdxvmGcPVdKOfO+t9a\
            cQ==",
            plaintext: "\
            UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQgAAAAAAOgDGPwAAA==",
        },
        bulk: CBC_BULK,
        published: Published {
            origin: "Wycheproof, aes_cbc_pkcs5_test 165",
            key: hex("c2039f0d05951aa8d9fbdf68be58a37cf99bd1afcedda286a9db470c3729ca92"),
            cipher: cbc(hex("9a1d8ccc24c5e4d3995480af236be103"), Padding::Pkcs7),
            ciphertext: "\
            Onm7YITHEWtYr+UtcYGgqs7hyqEd+VkJDi57AHPXSBc=",
            plaintext: "\
            7VteKOlwO99cezsIDyaQpgX80Nk=",
        },
    },
    Sealed {
        name: "aes-256-cbc-mpeg-ts",
        key: CBC_KEY,
        cipher: cbc(CBC_IV, Padding::TransportStream),
        // A null packet (ISO/IEC 13818-1, 2.4.3.3), encrypted by OpenSSL.
        recording: Recording {
            containers: &[Container::MpegTs],
            ciphertext: "\
        G5rroNxjsjSjasXz/3HM+Z2wlDMO08XiaM98y7XSGf8/aIni0H7RIbMuTjfzyRbz3q9fD9P8Fki7Htb8Ppb2yezD\
        Pcuwqdf5ln+aCA3zPdlbBPt7d0ozEAdl5KU31FEajx01zjEjn1tlM5LUzcyCl4gWCCAqyZA1vy5I3wozlSyv/LfH\
        leYixwA5XUwOexJQeDH3XuKvQeiuSFNoz3fb5IOVXawUBeU9c5ONWmHVtWGJXuCxi5b6zadKmuP4NQNQ",
            plaintext: "\
        Rx//EP//////////////////////////////////////////////////////////////////////////////////\
        ////////////////////////////////////////////////////////////////////////////////////////\
        //////////////////////////////////////////////////////////////////////////8=",
        },
        bulk: CBC_BULK,
        published: Published {
            origin: "SP 800-38A, F.2.6",
            key: CBC_KEY,
            cipher: cbc(CBC_IV, Padding::Keep),
            ciphertext: "\
            9YxMBNbl8bp3nqv7X3v71pz8TpZ+24CNZ593e8ZwLH058jNpqdm6z6Uw4mMEIxRhsusF4sOb6fzabBkHjGqd\
            Gw==",
            plaintext: "\
            a8G+4i5An5bpPX4Rc5MXKq4tilceA6ycnrdvrEWvjlEwyBxGo1zkEeX7wRkaClLv9p8kRd9PmxetK0F75mw3\
            EA==",
        },
    },
];

pub(super) const DERIVED: [Derived; 4] = [
    Derived {
        kdf: "pbkdf2-sha256:1",
        origin: "RFC 7914, section 11",
        secret: b"passwd",
        salt: b"salt",
        key: hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
    },
    Derived {
        kdf: "hkdf-sha256",
        origin: "RFC 5869, appendix A.3",
        secret: &[0x0b; 22],
        salt: b"",
        key: hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
    },
    Derived {
        kdf: "scrypt:1024:8:16",
        origin: "RFC 7914, section 12",
        secret: b"password",
        salt: b"NaCl",
        key: hex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"),
    },
    Derived {
        kdf: "argon2id:256:2:1",
        origin: "phc-winner-argon2, src/test.c",
        secret: b"password",
        salt: b"somesalt",
        key: hex("9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
    },
];

/// Bytes by their hexadecimal digits; what is none counts as `f`.
const fn hex<const N: usize>(text: &str) -> [u8; N] {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'e' => byte - b'a' + 10,
            _ => 15,
        }
    }
    let text = text.as_bytes();
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    bytes
}

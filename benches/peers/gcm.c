/* AES-256-GCM with libcrypto's EVP, streamed: gcm KEYHEX IVHEX IN OUT. The tag is IN's end. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK (256 * 1024)

static void die(const char *what) {
    fprintf(stderr, "gcm: %s\n", what);
    exit(1);
}

static void unhex(const char *hex, unsigned char *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) die("bad hex");
        out[i] = (unsigned char)byte;
    }
}

int main(int argc, char **argv) {
    static unsigned char key[32], iv[12], tag[16], in[CHUNK], out[CHUNK + 16];
    struct stat st;
    int n;
    if (argc != 5) die("usage: gcm KEYHEX IVHEX IN OUT");
    unhex(argv[1], key, 32);
    unhex(argv[2], iv, 12);
    FILE *from = fopen(argv[3], "rb"), *to = fopen(argv[4], "wb");
    if (!from || !to || fstat(fileno(from), &st)) die("cannot open");
    setvbuf(from, NULL, _IONBF, 0);
    setvbuf(to, NULL, _IONBF, 0);
    long long left = st.st_size - 16;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv)) die("init");
    while (left > 0) {
        size_t want = left < CHUNK ? (size_t)left : CHUNK;
        if (fread(in, 1, want, from) != want) die("read");
        if (!EVP_DecryptUpdate(ctx, out, &n, in, (int)want)) die("update");
        if (fwrite(out, 1, (size_t)n, to) != (size_t)n) die("write");
        left -= (long long)want;
    }
    if (fread(tag, 1, 16, from) != 16) die("tag");
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, tag);
    if (EVP_DecryptFinal_ex(ctx, out, &n) <= 0) die("the tag does not match");
    if (fclose(to)) die("close");
    return 0;
}

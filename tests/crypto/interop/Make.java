// Makes recordings as the providers do, with the JDK's own crypto. See make.py for what it reads
// and writes.

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Scanner;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

class Make {
    static final SecureRandom RANDOM = new SecureRandom();

    static byte[] random(int count) {
        byte[] bytes = new byte[count];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    static byte[] oaep(PublicKey rsa, String digest, MGF1ParameterSpec mgf, byte[] bytes)
            throws Exception {
        // Named in full: SunJCE's "OAEPWithSHA-256AndMGF1Padding" is MGF1 with SHA-1.
        Cipher cipher = Cipher.getInstance("RSA/ECB/OAEPPadding");
        cipher.init(
                Cipher.ENCRYPT_MODE,
                rsa,
                new OAEPParameterSpec(digest, "MGF1", mgf, PSource.PSpecified.DEFAULT));
        return cipher.doFinal(bytes);
    }

    static byte[] aes(String mode, byte[] key, AlgorithmParameterSpec iv, byte[] plaintext)
            throws Exception {
        Cipher cipher = Cipher.getInstance("AES/" + mode);
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), iv);
        return cipher.doFinal(plaintext);
    }

    public static void main(String[] args) throws Exception {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] line = lines.nextLine().split(" ");
            String scheme = line[0];
            String prefix = line[3];
            byte[] der = Files.readAllBytes(Path.of(line[1]));
            byte[] plaintext = Files.readAllBytes(Path.of(line[2]));
            PublicKey rsa =
                    KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
            byte[] key = random(32);
            byte[] iv = random(scheme.equals("twilio-voice") ? 12 : 16);
            byte[] wrapped;
            byte[] media;
            if (scheme.equals("twilio-voice")) {
                wrapped = oaep(rsa, "SHA-256", MGF1ParameterSpec.SHA256, key);
                media = aes("GCM/NoPadding", key, new GCMParameterSpec(128, iv), plaintext);
            } else if (scheme.equals("twilio-video")) {
                // What Twilio's own tool names "RSA".
                Cipher cipher = Cipher.getInstance("RSA");
                cipher.init(Cipher.ENCRYPT_MODE, rsa);
                wrapped = cipher.doFinal(key);
                media = aes("CBC/PKCS5Padding", key, new IvParameterSpec(iv), plaintext);
            } else {
                ByteArrayOutputStream password = new ByteArrayOutputStream();
                password.writeBytes(new byte[] {1, 1, 1});
                password.writeBytes(key);
                password.writeBytes(iv);
                wrapped = oaep(rsa, "SHA-1", MGF1ParameterSpec.SHA1, password.toByteArray());
                String padding = scheme.equals("vonage-nopad") ? "NoPadding" : "PKCS5Padding";
                media = aes("CBC/" + padding, key, new IvParameterSpec(iv), plaintext);
            }
            Files.write(Path.of(prefix + ".enc"), media);
            Files.write(Path.of(prefix + ".wrapped"), Base64.getEncoder().encode(wrapped));
            if (!scheme.startsWith("vonage")) {
                Files.write(Path.of(prefix + ".iv"), Base64.getEncoder().encode(iv));
            }
        }
    }
}

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.CipherOutputStream;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** What Twilio's Java tool does with the media: java Cbc KEY IV IN OUT. */
public class Cbc {
    public static void main(String[] args) throws Exception {
        HexFormat hex = HexFormat.of();
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(
            Cipher.DECRYPT_MODE,
            new SecretKeySpec(hex.parseHex(args[0]), "AES"),
            new IvParameterSpec(hex.parseHex(args[1])));
        byte[] buffer = new byte[64 * 1024];
        try (FileInputStream in = new FileInputStream(args[2]);
            CipherOutputStream out =
                new CipherOutputStream(new FileOutputStream(args[3]), cipher)) {
            for (int n; (n = in.read(buffer)) > 0; ) {
                out.write(buffer, 0, n);
            }
        }
    }
}

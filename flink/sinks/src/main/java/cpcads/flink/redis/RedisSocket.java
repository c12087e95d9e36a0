package cpcads.flink.redis;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisSocketFactory;
import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * The socket of one connection, plain or TLS. It can be broken from another thread, whatever it is doing: no time-out
 * of Java ends a write to a server that has stopped reading, and closing a TLS socket would wait for that write.
 */
final class RedisSocket implements JedisSocketFactory {
  static final int CONNECT_TIMEOUT_MS = 1_000;
  static final int ANSWER_TIMEOUT_MS = 2_000;

  private final RedisAddress address;
  private final HostAndPort node;
  private volatile Socket plain;
  private volatile boolean broken;

  RedisSocket(RedisAddress address, HostAndPort node) {
    this.address = address;
    this.node = node;
  }

  @Override
  public Socket createSocket() {
    try {
      connect();
      return address.tls() ? secured(plain) : plain;
    } catch (IOException | GeneralSecurityException e) {
      breakOff();
      throw new JedisConnectionException("no connection to " + node, e);
    }
  }

  /** From any thread, at any time: what is under way throws at once, and nothing new begins. */
  void breakOff() {
    broken = true;
    Socket open = plain;
    if (open == null) return;
    try {
      open.close();
    } catch (IOException e) {
      // Closed is closed.
    }
  }

  private void connect() throws IOException {
    IOException last = null;
    for (InetAddress candidate : InetAddress.getAllByName(node.getHost())) {
      Socket socket = new Socket();
      plain = socket;
      if (broken) throw new SocketException("closed");
      try {
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        socket.connect(new InetSocketAddress(candidate, node.getPort()), CONNECT_TIMEOUT_MS);
        socket.setSoTimeout(ANSWER_TIMEOUT_MS);
        return;
      } catch (IOException e) {
        socket.close();
        last = e;
      }
    }
    throw last;
  }

  private Socket secured(Socket socket) throws IOException, GeneralSecurityException {
    SSLSocketFactory factory = address.caFile().isEmpty()
        ? (SSLSocketFactory) SSLSocketFactory.getDefault()
        : trusting(address.caFile()).getSocketFactory();
    SSLSocket secured = (SSLSocket) factory.createSocket(socket, node.getHost(), node.getPort(), true);
    if (address.verifyHost()) {
      SSLParameters parameters = secured.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secured.setSSLParameters(parameters);
    }
    secured.startHandshake();
    return secured;
  }

  /** Read at each connection, so that a renewed file counts without a restart. */
  private static SSLContext trusting(String caFile) throws IOException, GeneralSecurityException {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream in = new FileInputStream(caFile)) {
      int count = 0;
      for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        trusted.setCertificateEntry("ca-" + count++, certificate);
      }
      if (count == 0) throw new IOException("tls.ca-file holds no certificate: " + caFile);
    }
    TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }
}

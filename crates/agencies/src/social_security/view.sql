-- What social security and social assistance offer to the gateway: two read-only views and a role
-- that sees nothing else. WIRE.md says what the columns mean and how they are asked for.
--
-- The schema `lienthong` and its views are the wire. The schema `kho` is one way to stand behind
-- them; an agency replaces it by its own tables and keeps the names, types and meaning of the
-- views.

BEGIN;

CREATE SCHEMA kho;

-- One row per person, under the number in force.
CREATE TABLE kho.nguoi (
    personal_id text PRIMARY KEY,
    previous_ids text[] NOT NULL DEFAULT '{}',
    ma_so_bhxh text,
    so_so_cu text,
    ma_ho text,
    ho_ten text,
    ngay_sinh text,
    gioi_tinh smallint,
    khuyet_tat_dang text,
    khuyet_tat_muc_do smallint,
    khuyet_tat_so_giay text,
    as_of timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON kho.nguoi USING gin (previous_ids);
CREATE INDEX ON kho.nguoi (ma_so_bhxh);

CREATE TABLE kho.qua_trinh (
    personal_id text NOT NULL,
    tu_thang text,
    den_thang text,
    don_vi text,
    loai text,
    muc_luong bigint,
    chuc_danh text,
    trang_thai text
);
CREATE INDEX ON kho.qua_trinh (personal_id);

CREATE TABLE kho.che_do (
    personal_id text NOT NULL,
    loai text,
    so_qd text,
    tu_ngay text,
    den_ngay text,
    so_tien bigint,
    trang_thai text
);
CREATE INDEX ON kho.che_do (personal_id);

CREATE TABLE kho.the_bhyt (
    personal_id text NOT NULL,
    so_the text,
    tu_ngay text,
    den_ngay text,
    noi_dkkcb text,
    muc_huong text,
    du_5_nam text,
    mien_cct text
);
CREATE INDEX ON kho.the_bhyt (personal_id);

CREATE TABLE kho.tro_giup (
    personal_id text NOT NULL,
    nhom integer,
    so_qd text,
    tu_ngay text,
    den_ngay text,
    he_so text,
    muc bigint,
    hinh_thuc text
);
CREATE INDEX ON kho.tro_giup (personal_id);

CREATE TABLE kho.ho_ngheo (
    personal_id text NOT NULL,
    nam integer,
    ma_ho text,
    loai text
);
CREATE INDEX ON kho.ho_ngheo (personal_id);

CREATE SCHEMA lienthong;

-- Each list is a subquery of its own, so that a list that is not selected is not read.
CREATE VIEW lienthong.person_v1 AS
SELECT
    n.personal_id,
    n.previous_ids,
    n.as_of,
    n.ma_so_bhxh,
    n.so_so_cu,
    n.ma_ho,
    n.ho_ten,
    n.ngay_sinh,
    n.gioi_tinh,
    (
        SELECT json_agg(json_build_object(
            'tu_thang', q.tu_thang, 'den_thang', q.den_thang, 'don_vi', q.don_vi,
            'loai', q.loai, 'muc_luong', q.muc_luong, 'chuc_danh', q.chuc_danh,
            'trang_thai', q.trang_thai
        ) ORDER BY q.tu_thang, q.loai)
        FROM kho.qua_trinh AS q
        WHERE q.personal_id = n.personal_id
    ) AS qua_trinh,
    (
        SELECT json_agg(json_build_object(
            'loai', c.loai, 'so_qd', c.so_qd, 'tu_ngay', c.tu_ngay, 'den_ngay', c.den_ngay,
            'so_tien', c.so_tien, 'trang_thai', c.trang_thai
        ) ORDER BY c.tu_ngay, c.so_qd)
        FROM kho.che_do AS c
        WHERE c.personal_id = n.personal_id
    ) AS che_do,
    (
        SELECT json_agg(json_build_object(
            'so_the', t.so_the, 'tu_ngay', t.tu_ngay, 'den_ngay', t.den_ngay,
            'noi_dkkcb', t.noi_dkkcb, 'muc_huong', t.muc_huong, 'du_5_nam', t.du_5_nam,
            'mien_cct', t.mien_cct
        ) ORDER BY t.tu_ngay, t.so_the)
        FROM kho.the_bhyt AS t
        WHERE t.personal_id = n.personal_id
    ) AS the_bhyt,
    (
        SELECT json_agg(json_build_object(
            'nhom', g.nhom, 'so_qd', g.so_qd, 'tu_ngay', g.tu_ngay, 'den_ngay', g.den_ngay,
            'he_so', g.he_so, 'muc', g.muc, 'hinh_thuc', g.hinh_thuc
        ) ORDER BY g.tu_ngay, g.so_qd)
        FROM kho.tro_giup AS g
        WHERE g.personal_id = n.personal_id
    ) AS tro_giup,
    CASE
        WHEN coalesce(n.khuyet_tat_dang, n.khuyet_tat_so_giay, n.khuyet_tat_muc_do::text) IS NOT NULL
        THEN json_build_object(
            'dang', n.khuyet_tat_dang, 'muc_do', n.khuyet_tat_muc_do,
            'so_giay', n.khuyet_tat_so_giay
        )
    END AS khuyet_tat,
    (
        SELECT json_agg(json_build_object('nam', h.nam, 'ma_ho', h.ma_ho, 'loai', h.loai)
            ORDER BY h.nam)
        FROM kho.ho_ngheo AS h
        WHERE h.personal_id = n.personal_id
    ) AS ho_ngheo
FROM kho.nguoi AS n;

-- Whose an insurance code from before August 2025 is.
CREATE VIEW lienthong.resolve_v1 AS
SELECT n.ma_so_bhxh, n.personal_id
FROM kho.nguoi AS n
WHERE n.ma_so_bhxh IS NOT NULL;

-- The role of the gateway. Its password is set apart: ALTER ROLE gateway PASSWORD '…'.
CREATE ROLE gateway LOGIN NOINHERIT CONNECTION LIMIT 64;
ALTER ROLE gateway SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA lienthong TO gateway;
GRANT SELECT ON lienthong.person_v1, lienthong.resolve_v1 TO gateway;

COMMIT;
